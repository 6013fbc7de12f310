package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Reconciler resolves doubts by asking the provider. Only when the last look-up
// was answered and showed no trace does the policy decide: another attempt, or
// an operator. A look-up that fails is repeated, for as long as it takes.
//
// It keeps which look-ups it has made in memory: after a restart they begin with
// the latest that is due. It is for one goroutine.
type Reconciler struct {
	Store     ports.EventStore
	Providers Providers
	Delays    func(domain.Lane) []time.Duration                                 // look-ups after the doubt arose
	Resend    func(lane domain.Lane, canLookUp bool) bool                       // the policy
	Bound     func(ctx context.Context, providerMessageID string) (bool, error) // known to be some message's
	Schedule  domain.RetrySchedule
	Parallel  int // look-ups at once; 0: 8
	Log       *slog.Logger

	made map[string]int // look-ups made, by attempt id
}

// doubt is an attempt whose outcome is unknown.
type doubt struct {
	stream[domain.Message]
	attemptedAt, since time.Time
	attemptID          string
}

// Reconcile looks those of the messages up whose time has come.
func (r *Reconciler) Reconcile(ctx context.Context, ids []string, now time.Time) error {
	if len(ids) == 0 {
		r.made = nil
		return nil
	}
	streams, err := r.Store.LoadMany(ctx, ids)
	if err != nil {
		return err
	}
	made := make(map[string]int, len(ids))
	var work errgroup.Group
	work.SetLimit(orDefault(r.Parallel, 8))
	for _, id := range ids {
		d, ok := doubtOf(id, streams[id])
		if !ok {
			continue
		}
		delays := r.Delays(domain.Lane(d.State.Text.Lane))
		done := r.made[d.attemptID]
		passed := passedBy(delays, now.Sub(d.since))
		if made[d.attemptID] = max(done, passed); passed <= done && done < len(delays) {
			continue
		}
		work.Go(func() error { return r.lookUp(ctx, d, passed >= len(delays), now) })
	}
	r.made = made
	return work.Wait()
}

// passedBy returns how many delays are over at an age.
func passedBy(delays []time.Duration, age time.Duration) int {
	n := 0
	for n < len(delays) && delays[n] <= age {
		n++
	}
	return n
}

func doubtOf(id string, recorded []events.Recorded) (doubt, bool) {
	d := doubt{stream: fold[domain.Message](id, recorded)}
	for _, e := range recorded {
		switch e.Data.(type) {
		case events.MessageAttempted:
			d.attemptedAt = e.RecordedAt
		case events.MessageInDoubt:
			d.since = e.RecordedAt
		}
	}
	d.attemptID = domain.AttemptID(id, d.State.Attempt)
	return d, d.State.Status == domain.InDoubt
}

// lookUp asks the provider once and records what is certain now.
func (r *Reconciler) lookUp(ctx context.Context, d doubt, last bool, now time.Time) error {
	provider, ok := r.Providers.Named(d.State.Provider)
	if !ok {
		r.Log.Error("cannot look up: the provider is no longer configured", "message", d.ID, "provider", d.State.Provider)
		return nil
	}
	text := d.State.Text
	var unknown error // whose a provider's message is
	found, err := provider.Find(ctx, ports.Lookup{
		Text: ports.Text{
			MessageID: d.ID, Attempt: d.State.Attempt,
			To: text.To, From: text.From, Body: text.Body, ExpiresAt: text.ExpiresAt,
		},
		AttemptedAt: d.attemptedAt,
		Bound: func(id string) bool {
			bound, err := r.Bound(ctx, id)
			unknown = errors.Join(unknown, err)
			return bound || err != nil
		},
	})
	if err == nil {
		err = unknown // otherwise what could not be asked would look like no trace
	}
	canLookUp := !errors.Is(err, ports.ErrNoLookup)
	switch {
	case err != nil && canLookUp:
		r.Log.Warn("looking up", "message", d.ID, "attempt", d.State.Attempt, "error", err)
		return nil
	case found.Ambiguous:
		r.Log.Warn("several texts match, taking the earliest", "message", d.ID, "attempt", d.State.Attempt)
	case found.ProviderMessageID == "" && !last:
		return nil
	}
	command := domain.Reconcile{
		Attempt: d.State.Attempt, ProviderMessageID: found.ProviderMessageID,
		Resend: r.Resend(domain.Lane(text.Lane), canLookUp),
		Retry:  domain.Retry{Schedule: r.Schedule, Chance: rand.Float64(), Now: now},
	}
	_, _, err = executeOn(ctx, r.Store, d.stream, func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
		return command, s.consequence("reconciler"), nil
	})
	if err != nil {
		return fmt.Errorf("reconciling %s: %w", d.ID, err)
	}
	return nil
}
