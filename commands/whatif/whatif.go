// Package whatif decides part of the log once more, under the policy of its time and
// under another, and says what would differ. Nothing is sent and nothing is written.
//
// What the log does not hold is not made up. Commands are rebuilt from the events
// that followed them, with the chance and the moment of the decision that explain
// them; where none do, the text cannot be reproduced. What providers said of an
// attempt is taken to hold for the same attempt by the same provider at another time;
// where the other policy asks for an attempt that was never made, or by another
// provider, the text's end is unknown.
package whatif

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Policy is what decides besides what happens. Its functions are pure.
type Policy struct {
	Schedule   domain.RetrySchedule
	Candidates func(id string, m domain.Message) []string // providers that may take m, best first
	Test       string                                     // the provider of test keys' texts
	Quiet      func(text events.MessageAccepted, now time.Time) domain.Quiet
	Resend     func(lane domain.Lane, canLookUp bool) bool // of doubts without a trace
	Breaker    func(provider string) breaker.Rule
}

// order returns the providers that may make the next attempt at m, best first.
func (p Policy) order(id string, m domain.Message) []string {
	if m.Text.Test {
		return []string{p.Test}
	}
	return m.Order(p.Candidates(id, m))
}

// Options say what is decided once more.
type Options struct {
	Store    ports.EventStore // that unseals: routes and hours go by the number
	From, To int64            // positions: after From, up to To
	Until    time.Time        // when the window ends; zero: when To was recorded
	Was      Policy           // under which it was decided
	Would    Policy
	Examples int                  // of each kind in the report; 0: 5
	PageSize int                  // events read at once; 0: 1,000
	Progress func(position int64) // called after each page; nil: nobody watches
}

// Run decides every text with an event in the window once more. It keeps a page of
// the log, and the streams of its texts, in memory.
func Run(ctx context.Context, o Options) (*Report, error) {
	from, _, err := whole(ctx, o.Store, o.From)
	if err != nil {
		return nil, fmt.Errorf("reading commits: %w", err)
	}
	to, until, err := whole(ctx, o.Store, o.To)
	if err != nil {
		return nil, fmt.Errorf("reading commits: %w", err)
	}
	if o.From, o.To = from, to; o.Until.IsZero() {
		o.Until = until
	}
	report := newReport(from, to, orDefault(o.Examples, 5))
	breakers := breakers{store: o.Store, from: from, was: o.Was.Breaker, would: o.Would.Breaker, report: report}
	for after := from; after < to; {
		page, err := o.Store.Read(ctx, after, int(min(int64(orDefault(o.PageSize, 1000)), to-after)))
		if err != nil {
			return nil, fmt.Errorf("reading the log after %d: %w", after, err)
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("the log ends at %d, before %d", after, to)
		}
		if err := o.texts(ctx, report, page); err != nil {
			return nil, err
		}
		for _, e := range page {
			if err := breakers.see(ctx, e); err != nil {
				return nil, err
			}
		}
		if after = page[len(page)-1].Position; o.Progress != nil {
			o.Progress(after)
		}
	}
	report.Breakers = breakers.list()
	return report, nil
}

// texts judges those texts whose first event in the window is in page.
func (o Options) texts(ctx context.Context, report *Report, page []events.Recorded) error {
	var ids []string
	seen := map[string]bool{}
	for _, e := range page {
		if strings.HasPrefix(e.Type, "message.") && !seen[e.StreamID] {
			seen[e.StreamID] = true
			ids = append(ids, e.StreamID)
		}
	}
	streams, err := o.Store.LoadMany(ctx, ids)
	if err != nil {
		return fmt.Errorf("loading texts: %w", err)
	}
	for _, id := range ids {
		recorded := slices.DeleteFunc(streams[id], func(e events.Recorded) bool { return e.Position > o.To })
		start := slices.IndexFunc(recorded, func(e events.Recorded) bool { return e.Position > o.From })
		if start < 0 || recorded[start].Position < page[0].Position {
			continue // judged with an earlier page
		}
		o.text(report, text{id: id, before: recorded[:start], window: recorded[start:], until: o.Until})
	}
	return nil
}

// text judges one text: first whether the policy of its time explains it, then what
// the other one makes of it.
func (o Options) text(report *Report, t text) {
	report.Texts++
	facts, why := t.facts(o.Was)
	if why != nil {
		report.unreproduced(*why)
		return
	}
	report.Decisions += len(facts)
	report.compare(t.id, t.ending(facts), t.under(o.Would, facts))
}

// whole returns position, or the end of the commit that it is in the middle of, since
// what was decided together is judged together; and when that was.
func whole(ctx context.Context, store ports.EventStore, position int64) (int64, time.Time, error) {
	commits, err := store.Commits(ctx, max(0, position-1), 1)
	if err != nil || len(commits) == 0 || position == 0 {
		return position, time.Time{}, err
	}
	return commits[0].LastPosition, commits[0].RecordedAt, nil
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}
