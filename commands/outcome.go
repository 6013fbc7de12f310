package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// send makes the attempt that c claimed and records what it came to.
func (d *Dispatcher) send(c claimed) {
	text := c.State.Text
	crash.At(crash.ProviderCalling)
	outcome := c.provider.Send(context.Background(), ports.Text{
		MessageID: c.ID, Attempt: c.State.Attempt,
		To: text.To, From: text.From, Body: text.Body, ExpiresAt: text.ExpiresAt,
		Lane: domain.Lane(text.Lane), Since: c.Since, TraceParent: c.Origin.TraceParent,
	})
	c.pass.Done(outcome)
	if outcome.Class == domain.ClassSent {
		d.Fuse.sent(c.Origin.Tenant, c.ID, text)
	}
	crash.At(crash.ProviderAnswered)
	if err := d.record(c, outcome); err != nil {
		// The claim stands in the log without an outcome: as after a crash, the
		// scheduler finds it and looks it up.
		d.Log.Error("recording outcome", "message", c.ID, "attempt", c.State.Attempt, "class", outcome.Class, "error", err, c.trace())
	}
}

// record appends the outcome, for as long as Persist while the store is gone.
func (d *Dispatcher) record(c claimed, outcome ports.Outcome) error {
	ctx, cancel := context.WithTimeout(context.Background(), orDefault(d.Persist, time.Minute))
	defer cancel()
	if outcome.Class == domain.ClassOptedOut {
		// Before the message, which after a crash in between is claimed once more
		// and then finds the opt-out. The other way round nobody would add it.
		if err := persist(ctx, func() error { return d.optOut(ctx, c) }); err != nil {
			return err
		}
		crash.At(crash.OptOutRecorded)
	}
	command := d.command(c, outcome)
	ask := func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
		return command, s.consequence("provider:" + c.provider.Name()), nil
	}
	_, _, err := executeOn(ctx, d.Store, c.stream, ask)
	if err != nil {
		err = persist(ctx, func() error { _, _, err := execute(ctx, d.Store, c.ID, ask); return err })
	}
	if err == nil {
		crash.At(crash.OutcomeRecorded)
	}
	return err
}

// persist repeats do until it succeeds or ctx ends.
func persist(ctx context.Context, do func() error) error {
	err := do()
	for pause := 50 * time.Millisecond; err != nil; pause = min(2*pause, 2*time.Second) {
		if wait(ctx, pause) != nil {
			return fmt.Errorf("giving up: %w", err)
		}
		err = do()
	}
	return nil
}

// command translates a provider's outcome for the domain.
func (d *Dispatcher) command(c claimed, o ports.Outcome) domain.Command {
	attempt, provider := c.State.Attempt, c.provider.Name()
	switch o.Class {
	case domain.ClassSent:
		return domain.RecordSent{
			Attempt: attempt, Provider: provider,
			ProviderMessageID: o.ProviderMessageID, ProviderStatus: o.ProviderStatus, ProviderRequestID: o.ProviderRequestID,
		}
	case domain.ClassInDoubt:
		return domain.RecordDoubt{Attempt: attempt, Cause: o.Cause, ProviderRequestID: o.ProviderRequestID}
	}
	return domain.RecordFailure{
		Failure: events.MessageFailed{
			Attempt: attempt, Provider: provider, Class: string(o.Class),
			Code: o.Code, HTTPStatus: o.HTTPStatus, Detail: o.Detail, ProviderRequestID: o.ProviderRequestID,
		},
		RetryAfter: o.RetryAfter,
		Candidates: d.Providers.Candidates(c.ID, c.State),
		Retry:      d.retry(),
	}
}

// optOut records an opt-out that only the provider knew of.
func (d *Dispatcher) optOut(ctx context.Context, c claimed) error {
	text := c.State.Text
	_, _, err := execute(ctx, d.Store, text.Consent, func(stream[domain.Consent]) (domain.Command, events.Meta, error) {
		return domain.OptOut{Event: events.ConsentOptedOut{Number: text.To, Source: domain.SourceProvider, Scope: domain.ScopeAll}},
			c.consequence("provider:" + c.provider.Name()), nil
	})
	return err
}

// wait returns nil after d, or ctx's error when that ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
