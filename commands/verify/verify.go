// Package verify checks on a log, while it grows, what the design guarantees: that
// nothing was altered (G2), that every text ends in one status (G1) and is sent
// once (G3), with numbered attempts (G5), not after an opt-out (G4), and under one
// idempotency key once (G7). It reads the log once from its beginning and keeps
// about 200 bytes for each message, and fewer for other streams.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Options say what to check against.
type Options struct {
	Store      ports.EventStore
	MaxRetries int                  // after the first attempt of a drive, as configured
	Patience   time.Duration        // how long a text may wait without a reason; 0: 1 h
	Now        time.Time            // zero: time.Now
	PageSize   int                  // events read at once; 0: 2,000
	Heads      []audit.Head         // signed earlier: the log has to hold what they do
	Progress   func(position int64) // called after each page; nil: nobody watches
	ChainOnly  bool                 // G2 alone, without the versions of streams
}

// Finding is one breach of a guarantee. It holds nothing personal.
type Finding struct {
	Guarantee string `json:"guarantee"` // "G2"
	Position  int64  `json:"position,omitempty"`
	Stream    string `json:"stream,omitempty"`
	What      string `json:"what"`
}

// Report is what was found.
type Report struct {
	Head     int64            `json:"head"` // the log was checked up to here
	Messages int64            `json:"messages"`
	Statuses map[string]int64 `json:"statuses"`
	Detached int64            `json:"detached"` // rows whose payloads are in archives that are not at hand: only their links were checked
	Unknown  int64            `json:"unknown"`  // receipts that no message is known for
	Resent   int64            `json:"resent"`   // taken on twice by a provider after a decision that the log holds
	Findings []Finding        `json:"findings"` // the first hundred
	Counts   map[string]int64 `json:"counts"`   // of all findings, by guarantee
}

// maxFindings bounds the list; all are counted.
const maxFindings = 100

// Add notes a finding.
func (r *Report) Add(f Finding) {
	if r.Counts == nil {
		r.Counts = map[string]int64{}
	}
	if r.Counts[f.Guarantee]++; len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	}
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Log checks the log up to its present head. The error means that it could not be
// read to the end; what the log itself has wrong is in the Report.
func Log(ctx context.Context, o Options) (*Report, error) {
	head, err := o.Store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the head: %w", err)
	}
	report := &Report{Head: head.LastPosition, Statuses: map[string]int64{}, Findings: []Finding{}, Counts: map[string]int64{}}
	archives, err := ports.ReadArchives(ctx, o.Store)
	if outage(ctx, err) {
		return nil, err // what cannot be read otherwise is found below
	}
	chain := chain{report: report, store: o.Store, heads: newHeads(report, o.Heads), archives: archives}
	texts := newTexts(report, o)
	most := o.PageSize
	if most == 0 {
		most = 2000
	}
	size := most
	for after := int64(0); after < head.LastPosition; {
		page, unreadable, err := o.read(ctx, after, head.LastPosition, size)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if err := chain.follow(ctx, e); err != nil {
				return nil, err
			}
			if !o.ChainOnly {
				texts.follow(e)
			}
			after = e.Position
		}
		size = min(2*size, most)
		if unreadable != nil {
			size = 1 // where one cannot be read, the next ones often cannot either
			after++
			report.Add(Finding{Guarantee: "G2", Position: after, What: "the event cannot be read: " + unreadable.Error()})
			chain.skip(after)
		} else if len(page) == 0 {
			break
		}
		if o.Progress != nil {
			o.Progress(after)
		}
	}
	if err := chain.end(ctx, head.LastPosition); err != nil {
		return nil, err
	}
	if !o.ChainOnly {
		texts.end()
	}
	return report, nil
}

// read returns a page of the log, as far as it can be read, and why the event
// after that cannot.
func (o Options) read(ctx context.Context, after, to int64, size int) (page []events.Recorded, unreadable, err error) {
	limit := int(min(int64(size), to-after))
	page, err = o.Store.Read(ctx, after, limit)
	if err == nil || outage(ctx, err) {
		return upTo(page, to), nil, err
	}
	if page != nil {
		return upTo(page, to), err, nil
	}
	for {
		one, err := o.Store.Read(ctx, after, 1)
		switch {
		case outage(ctx, err):
			return nil, nil, err
		case err != nil:
			return page, err, nil
		case len(one) == 0 || len(page) == limit:
			return upTo(page, to), nil, nil
		}
		page, after = append(page, one[0]), one[0].Position
	}
}

// upTo leaves out what lies beyond a position, as where rows are missing.
func upTo(page []events.Recorded, to int64) []events.Recorded {
	for len(page) > 0 && page[len(page)-1].Position > to {
		page = page[:len(page)-1]
	}
	return page
}

func outage(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, ports.ErrUnavailable))
}
