package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

type explainCommand struct {
	ID       string `arg:"" help:"Id of the text: msg_…"`
	Personal bool   `help:"Show the numbers and the body, too."`
}

// Run tells the story of a text, and what happens to it next.
func (x explainCommand) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		recorded, err := t.store.Load(ctx, x.ID)
		if err != nil && !errors.Is(err, events.ErrUnreadable) {
			return err
		}
		if len(recorded) == 0 || recorded[0].Type != "message.accepted" {
			return errors.New("there is no text with this id")
		}
		if recorded[0].Detached() {
			return ports.WhereDetached(ctx, t.store, recorded[0].Position)
		}
		m := projections.Of[projections.Message](recorded)
		if err != nil {
			m = projections.Message{ID: x.ID, Tenant: recorded[0].Meta.Tenant, Status: "held: an event of it cannot be read"}
		}
		fmt.Fprintf(p.Stdout, "%s of tenant %s is %s\n", m.ID, m.Tenant, m.Status)
		if x.Personal && err == nil {
			fmt.Fprintf(p.Stdout, "to %s from %q: %q\n", m.To, m.From, m.Body)
		}
		before := recorded[0].RecordedAt
		for i, sentence := range projections.Story(recorded) {
			fmt.Fprintf(p.Stdout, "%s  %9s  %s  (position %d, %s)\n", sentence.At.UTC().Format("2006-01-02 15:04:05.000Z"),
				later(sentence.At.Sub(before)), sentence.Text, recorded[i].Position, sentence.Cause)
			before = sentence.At
		}
		if err != nil {
			fmt.Fprintln(p.Stdout, "next: nothing, until every event of it can be read; other texts do not wait for it")
			fmt.Fprintln(p.Stdout, "      prosms verify says whether the log was altered; the runbook (EventsUnreadable) how to mend it")
			return nil
		}
		_, err = fmt.Fprintf(p.Stdout, "next: %s\n", t.config.next(m, time.Now()))
		return err
	})
}

// later shows the time between two events.
func later(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d < 10*time.Second:
		return "+" + d.Round(time.Millisecond).String()
	}
	return "+" + d.Round(time.Second).String()
}

// next says what happens to a text without anybody's doing, and when.
func (c Config) next(m projections.Message, now time.Time) string {
	said := ""
	switch domain.Status(m.Status) {
	case domain.Accepted:
		said = "it is claimed as soon as its lane, " + m.Lane + ", has room"
	case domain.Scheduled, domain.Retrying:
		said = "it is claimed when it is due"
		if m.DueAt != nil {
			said = "it is claimed at " + moment(*m.DueAt, now)
		}
	case domain.Dispatching:
		said = "the provider's answer is awaited; without one it is in doubt from " + moment(m.Since.Add(c.ProviderTimeout+abandonedAfter), now)
	case domain.InDoubt:
		return c.nextLookup(m, now)
	case domain.Dispatched:
		return c.nextReceipt(m, now)
	case domain.DeadLettered:
		return "nothing, until an operator decides"
	default:
		return "nothing: this is final"
	}
	if m.ExpiresAt != nil {
		said += "; unclaimed it expires at " + moment(*m.ExpiresAt, now)
	}
	return said
}

// nextReceipt says until when a receipt is awaited, and asked for when it does not come.
func (c Config) nextReceipt(m projections.Message, now time.Time) string {
	for _, delay := range c.ReceiptDelays {
		if at := m.Since.Add(delay); at.After(now) {
			return "the provider's receipt is awaited, and asked for at " + moment(at, now)
		}
	}
	return "the provider's receipt is awaited; it has been asked for as often as is configured"
}

// nextLookup says when a doubt is looked up, and what follows where no look-up
// shows a trace.
func (c Config) nextLookup(m projections.Message, now time.Time) string {
	policy := "it is held for an operator"
	if c.resend(domain.Lane(m.Lane), true) {
		policy = "it is tried again"
	}
	for _, delay := range c.reconcileDelays(domain.Lane(m.Lane)) {
		if at := m.Since.Add(delay); at.After(now) {
			return "it is looked up at the provider at " + moment(at, now) + "; if the last look-up shows no trace, " + policy
		}
	}
	return "the last look-up is being repeated until the provider answers; if it shows no trace, " + policy
}

func moment(t, now time.Time) string {
	text := t.UTC().Format("2006-01-02 15:04:05Z")
	switch d := t.Sub(now).Round(time.Second); {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%s, in %d days", text, d/(24*time.Hour))
	case d > 0:
		return text + ", in " + d.String()
	}
	return text
}
