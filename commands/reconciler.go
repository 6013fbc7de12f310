package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
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
	Delays    func(domain.Lane) []time.Duration           // look-ups after the doubt arose
	Resend    func(lane domain.Lane, canLookUp bool) bool // the policy
	// Bound reports whether a provider's message is known to be some message's, as
	// of the head of the log.
	Bound func(ctx context.Context, providerMessageID string) (bool, error)
	// UnderWay returns the messages to a recipient (by tenant and consent stream)
	// whose attempt is under way, as of the head of the log.
	UnderWay func(ctx context.Context, tenant, consent string) ([]string, error)
	Schedule domain.RetrySchedule
	Parallel int // look-ups at once; 0: 8
	Log      *slog.Logger

	made    map[string]lookUps   // by attempt id
	mu      sync.Mutex           // of adopted
	adopted map[string]time.Time // provider's messages that were bound lately, which the view may not show yet
}

// lookUps are those that were made about one attempt.
type lookUps struct {
	n    int // how many delays were over
	last time.Time
}

// again is the time between look-ups once the last delay is over: it failed, or
// could not be settled, and a provider that is down is not to be hammered.
const again = 5 * time.Second

// remembered is how long an adoption is kept in memory: until any view has it.
const remembered = 10 * time.Minute

// doubt is an attempt whose outcome is unknown.
type doubt struct {
	stream[domain.Message]
	attemptedAt, since time.Time
	until              time.Time // up to when it may have been made; zero: attemptedAt
	attemptID          string
}

// Reconcile looks those of the messages up whose time has come.
func (r *Reconciler) Reconcile(ctx context.Context, ids []string, now time.Time) error {
	if len(ids) == 0 {
		r.made = nil
		return nil
	}
	streams, err := readable(r.Store.LoadMany(ctx, ids))
	if err != nil {
		return err
	}
	r.forget(now)
	made := make(map[string]lookUps, len(ids))
	// Doubts about one recipient are looked up one after the other, so that two
	// of the same text cannot both adopt what is one message at the provider.
	byRecipient := map[events.Personal][]func() error{}
	for _, id := range ids {
		d, ok := doubtOf(id, streams[id])
		if !ok {
			continue
		}
		delays := r.Delays(domain.Lane(d.State.Text.Lane))
		before := r.made[d.attemptID]
		passed := passedBy(delays, now.Sub(d.since))
		if passed <= before.n && (passed < len(delays) || now.Sub(before.last) < again) {
			made[d.attemptID] = before
			continue
		}
		made[d.attemptID] = lookUps{passed, now}
		to := d.State.Text.To
		byRecipient[to] = append(byRecipient[to], func() error { return r.lookUp(ctx, d, passed >= len(delays), now) })
	}
	r.made = made
	var work errgroup.Group
	work.SetLimit(orDefault(r.Parallel, 8))
	for _, inOrder := range byRecipient {
		work.Go(func() error {
			var faults []error
			for _, lookUp := range inOrder {
				faults = append(faults, lookUp())
			}
			return errors.Join(faults...)
		})
	}
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
		switch data := e.Data.(type) {
		case events.MessageAttempted:
			d.attemptedAt, d.until = e.RecordedAt, time.Time{}
		case events.MessageInDoubt:
			d.since = e.RecordedAt
			if data.Cause == domain.CauseRestored {
				// Any attempt since it was accepted may be missing from the log.
				d.attemptedAt, d.until = recorded[0].RecordedAt, e.RecordedAt
			}
		}
	}
	d.attemptID = domain.AttemptID(id, d.State.Attempt)
	return d, d.State.Status == domain.InDoubt
}

// errUnsettled says that the answer of a look-up may be about another message,
// whose own outcome is about to be known.
var errUnsettled = errors.New("the same text is being sent to the same recipient")

// lookUp asks the provider once and records what is certain now.
func (r *Reconciler) lookUp(ctx context.Context, d doubt, last bool, now time.Time) error {
	text := d.State.Text
	found, err := r.find(ctx, d)
	crash.At(crash.LookedUp)
	canLookUp := !errors.Is(err, ports.ErrNoLookup)
	switch {
	case err != nil && canLookUp:
		r.Log.Warn("looking up", "message", d.ID, "attempt", d.State.Attempt, "error", err, d.trace())
		return nil
	case found.ProviderMessageID == "" && !last:
		return nil
	case found.Ambiguous:
		r.Log.Warn("several texts match, taking the earliest", "message", d.ID, "attempt", d.State.Attempt, d.trace())
	}
	command := domain.Reconcile{
		Attempt: d.State.Attempt, ProviderMessageID: found.ProviderMessageID,
		Resend: !d.Erased && r.Resend(domain.Lane(text.Lane), canLookUp),
		Retry:  domain.Retry{Schedule: r.Schedule, Chance: rand.Float64(), Since: d.since, Now: now},
	}
	_, _, err = executeOn(ctx, r.Store, d.stream, func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
		return command, s.consequence("reconciler"), nil
	})
	if err != nil {
		return fmt.Errorf("reconciling %s: %w", d.ID, err)
	}
	crash.At(crash.DoubtReconciled)
	if found.ProviderMessageID != "" {
		r.adopt(found.ProviderMessageID, now)
	}
	return nil
}

// find asks the provider for an attempt. What it returns is no other message's:
// neither of one that is known to have it, nor of one that may yet turn out to.
func (r *Reconciler) find(ctx context.Context, d doubt) (ports.Found, error) {
	provider, ok := r.Providers.Named(d.State.Provider)
	if !ok {
		return ports.Found{}, fmt.Errorf("provider %s is no longer configured", d.State.Provider)
	}
	if d.Erased {
		return ports.Found{}, ports.ErrNoLookup // nothing is left to look it up by
	}
	text := d.State.Text
	var unknown error // whose a provider's message is
	found, err := provider.Find(ctx, ports.Lookup{
		Text: ports.Text{
			MessageID: d.ID, Attempt: d.State.Attempt,
			To: text.To, From: text.From, Body: text.Body, ExpiresAt: text.ExpiresAt,
			TraceParent: d.Origin.TraceParent,
		},
		AttemptedAt: d.attemptedAt, Until: d.until,
		Bound: func(id string) bool {
			bound, err := r.isBound(ctx, id)
			unknown = errors.Join(unknown, err)
			return bound || err != nil
		},
	})
	if err = errors.Join(err, unknown); err != nil || found.ProviderMessageID == "" {
		return found, err
	}
	// First nothing alike may be under way, then the binding counts: in this order
	// no outcome that is recorded in between is missed.
	if twin, err := r.twinUnderWay(ctx, d); err != nil || twin {
		return ports.Found{}, errors.Join(err, errUnsettled)
	}
	if bound, err := r.isBound(ctx, found.ProviderMessageID); err != nil || bound {
		return ports.Found{}, errors.Join(err, errUnsettled)
	}
	return found, nil
}

func (r *Reconciler) isBound(ctx context.Context, providerMessageID string) (bool, error) {
	if r.isAdopted(providerMessageID) {
		return true, nil
	}
	return r.Bound(ctx, providerMessageID)
}

// twinUnderWay reports whether the same text is just being sent to the same
// recipient for another message: then nobody can tell yet whose it is that the
// provider has. Of a message that cannot be read it may have been told already whose
// that is: it counts as under way unless its words are known to be others.
func (r *Reconciler) twinUnderWay(ctx context.Context, d doubt) (bool, error) {
	ids, err := r.UnderWay(ctx, d.Origin.Tenant, d.State.Text.Consent)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	streams, err := r.Store.LoadMany(ctx, ids)
	if fatal(err) != nil {
		return false, err
	}
	for id, recorded := range streams {
		m := fold[domain.Message](id, recorded)
		underWay := m.State.Status == domain.Dispatching || m.Unread
		alike := m.State.Text.Body == d.State.Text.Body || m.State.Text.Body == "" // which cannot be read
		if id != d.ID && underWay && alike {
			return true, nil
		}
	}
	return false, nil
}

func (r *Reconciler) adopt(providerMessageID string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.adopted == nil {
		r.adopted = map[string]time.Time{}
	}
	r.adopted[providerMessageID] = now
}

func (r *Reconciler) isAdopted(providerMessageID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.adopted[providerMessageID]
	return ok
}

func (r *Reconciler) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.adopted, func(_ string, at time.Time) bool { return now.Sub(at) > remembered })
}
