package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Redactor has providers keep no longer what texts said once they have ended, or with
// Delete nor to whom; of a person who was forgotten always neither. It follows the
// log, from its beginning when it runs for the first time. What was asked and done is
// an event of the message, so after a crash it is asked at most once more.
//
// How far it has come is a checkpoint: up to there everything was redacted, or given
// up after all Delays. It is for one goroutine; one instance runs it at a time
// (ports.Leader), and two would do no harm.
type Redactor struct {
	Log   ports.EventStore // sealed or not
	Store ports.EventStore // unsealed, to see who was forgotten, and to append to
	Views ports.Views      // keep the checkpoint
	// Providers are those that can redact, by name.
	Providers map[string]func(ctx context.Context, providerMessageID, what string) ports.Redaction
	Delete    bool // the record, and not just the body
	// Unanswered are the texts of which no receipt has come for After. They are those
	// of a second Redactor: one that waits that long reads the log as much later.
	Unanswered bool
	// SentTo returns ids of a tenant's messages to a recipient, by the stream of the
	// consent, after a place; and the place of the last. It knows all that is in the
	// log by now, or fails.
	SentTo func(ctx context.Context, tenant, consent string, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error)

	After    time.Duration   // the end of a text, or its dispatch; Twilio wants a minute. 0: 90 s
	Delays   []time.Duration // before another try; nil: 1m, 10m, 1h, 6h, 24h
	Interval time.Duration   // between rounds; 0: 5 s
	Parallel int             // calls at once; 0: 4
	Pending  int             // messages that may wait for another try before it reads on; 0: 1,000
	Now      func() time.Time
	Logger   *slog.Logger

	begun   bool
	read    int64 // position up to which the log was read
	pending map[string]redaction
}

// redaction is a message that is to be redacted.
type redaction struct {
	position int64 // of the event that called for it
	forget   bool  // its recipient was forgotten
	tries    int
	due      time.Time
}

// redacted begins the name of the checkpoint. Whoever begins to have records deleted has
// it done for texts of which the bodies are redacted already, too.
const redacted = "redacted"

func (r *Redactor) checkpoint() string {
	name := redacted
	if r.Delete {
		name += "_record"
	}
	if r.Unanswered {
		name += "_unanswered"
	}
	return name
}

// frameOfRedactions is how many events are read at once.
const frameOfRedactions = 500

// Run redacts until ctx ends.
func (r *Redactor) Run(ctx context.Context) error {
	r.begun = false // somebody else may have gone on meanwhile
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			r.Logger.Error("redacting at providers", "error", err)
		}
		if wait(ctx, orDefault(r.Interval, 5*time.Second)) != nil {
			return nil
		}
	}
}

// Round does what is to be done now.
func (r *Redactor) Round(ctx context.Context) error {
	if !r.begun {
		at, err := r.Views.Checkpoint(ctx, r.checkpoint())
		if err != nil {
			return fmt.Errorf("reading how far redactions have come: %w", err)
		}
		r.begun, r.read, r.pending = true, at, map[string]redaction{}
	}
	for {
		more, err := r.gather(ctx)
		if err = errors.Join(err, r.work(ctx), r.keep(ctx)); err != nil || !more {
			return err
		}
	}
}

// gather reads the next events that are old enough, and reports whether there may be
// more of them.
func (r *Redactor) gather(ctx context.Context) (more bool, err error) {
	if len(r.pending) >= orDefault(r.Pending, 1000) {
		return false, nil
	}
	frame, err := r.Log.Read(ctx, r.read, frameOfRedactions)
	if fatal(err) != nil {
		return false, fmt.Errorf("reading what has ended: %w", err)
	}
	by := r.now().Add(-orDefault(r.After, 90*time.Second))
	for _, e := range frame {
		if e.RecordedAt.After(by) {
			return false, nil
		}
		if err := r.call(ctx, e); err != nil {
			return false, err
		}
		r.read = e.Position
	}
	return len(frame) == frameOfRedactions, nil
}

// call notes what an event calls for.
func (r *Redactor) call(ctx context.Context, e events.Recorded) error {
	if r.Unanswered {
		switch e.Data.(type) {
		case events.MessageDispatched, events.MessageReconciled:
			r.add(e.StreamID, e.Position, false)
		}
		return nil
	}
	switch d := e.Data.(type) {
	case events.MessageDelivered, events.MessageUndelivered, events.MessageReceiptIgnored:
		r.add(e.StreamID, e.Position, false)
	case events.Detached:
		if d.Type == (events.MessageDelivered{}).EventType() || d.Type == (events.MessageUndelivered{}).EventType() {
			r.add(e.StreamID, e.Position, false)
		}
	case events.SubjectForgotten:
		if d.Consent == "" { // of an earlier version
			return nil
		}
		var after *ports.Cursor
		for {
			ids, last, err := r.SentTo(ctx, e.Meta.Tenant, d.Consent, after, frameOfRedactions)
			if err != nil {
				return err
			}
			for _, id := range ids {
				r.add(id, e.Position, true)
			}
			if after = last; len(ids) < frameOfRedactions {
				return nil
			}
		}
	}
	return nil
}

func (r *Redactor) add(id string, position int64, forget bool) {
	p, known := r.pending[id]
	if !known {
		p.position = position
	}
	p.forget = p.forget || forget
	p.due = r.now()
	r.pending[id] = p
}

// work redacts what is due.
func (r *Redactor) work(ctx context.Context) error {
	now := r.now()
	var due []string
	for id, p := range r.pending {
		if !p.due.After(now) {
			due = append(due, id)
		}
	}
	if len(due) == 0 {
		return nil
	}
	streams, err := readable(r.Store.LoadMany(ctx, due))
	if err != nil {
		return fmt.Errorf("loading what is to be redacted: %w", err)
	}
	r.warn(due, streams)
	done, faults := make([]bool, len(due)), make([]error, len(due))
	var calls errgroup.Group
	calls.SetLimit(orDefault(r.Parallel, 4))
	for i, id := range due {
		if streams[id] == nil {
			continue // it cannot be read, and is tried again
		}
		calls.Go(func() error {
			done[i], faults[i] = r.redact(ctx, fold[domain.Message](id, streams[id]), r.pending[id])
			return nil
		})
	}
	_ = calls.Wait() // each has its own fault
	waiting := 0
	for i, id := range due {
		switch p := r.pending[id]; {
		case streams[id] == nil:
			p.due = now.Add(r.delays()[0])
			r.pending[id] = p
		case faults[i] != nil: // it was not the provider's: the next round tries again
		case done[i]:
			delete(r.pending, id)
		default:
			p.due = now.Add(r.delays()[p.tries])
			p.tries++
			r.pending[id] = p
			waiting++
		}
	}
	if waiting > 0 {
		r.Logger.Warn("providers do not redact texts yet: they are asked again", "texts", waiting)
	}
	return errors.Join(faults...)
}

// warn tells of messages of which only an archive says how their provider knows them:
// there is nothing to ask it with.
func (r *Redactor) warn(due []string, streams map[string][]events.Recorded) {
	var detached []string
	for _, id := range due {
		if slices.ContainsFunc(streams[id], events.Recorded.Detached) {
			detached = append(detached, id)
		}
	}
	if len(detached) > 0 {
		r.Logger.Warn("texts are not redacted at their providers: they were detached to archives", "texts", len(detached), "message", detached[0])
	}
}

// redact asks the provider of m, and reports whether nothing is left to ask.
func (r *Redactor) redact(ctx context.Context, m stream[domain.Message], p redaction) (done bool, err error) {
	ask, ok := r.Providers[m.State.Provider]
	what := domain.RedactBody
	if r.Delete || p.forget || m.Erased {
		what = domain.RedactRecord
	}
	ids := m.State.Unredacted(what, !r.Unanswered)
	if !ok || len(ids) == 0 {
		return true, nil
	}
	done = true
	for _, id := range ids {
		got := ask(ctx, id, what)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		last := p.tries >= len(r.delays())
		if !got.Done && !last {
			r.Logger.Debug("a provider does not redact a text yet", "message", m.ID, "provider", m.State.Provider, "what", what, "status", got.HTTPStatus, "code", got.Code, "detail", got.Detail, m.trace())
			done = false
			continue
		}
		if !got.Done {
			r.Logger.Error("a provider does not redact a text: it has to be done there by hand", "message", m.ID, "provider", m.State.Provider, "what", what, "status", got.HTTPStatus, "code", got.Code, "detail", got.Detail, m.trace())
		}
		record := domain.RecordRedaction{Provider: m.State.Provider, ID: id, What: what, Failed: !got.Done, Code: got.Code, HTTPStatus: got.HTTPStatus}
		if got.Done {
			record.Code, record.HTTPStatus = "", 0
		}
		_, _, err := execute(ctx, r.Store, m.ID, func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
			return record, s.consequence("redactor"), nil
		})
		if err != nil {
			return false, fmt.Errorf("recording a redaction: %w", err)
		}
	}
	return done, nil
}

// keep moves the checkpoint to before the first event that something is left of.
func (r *Redactor) keep(ctx context.Context) error {
	to := r.read
	for _, p := range r.pending {
		to = min(to, p.position-1)
	}
	kept, err := r.Views.Checkpoint(ctx, r.checkpoint())
	if err != nil || kept >= to {
		return err
	}
	err = r.Views.Advance(ctx, r.checkpoint(), func(_ ports.ViewTx, checkpoint int64) (int64, error) { return max(checkpoint, to), nil })
	if err != nil {
		return fmt.Errorf("keeping how far redactions have come: %w", err)
	}
	return nil
}

func (r *Redactor) delays() []time.Duration {
	if len(r.Delays) > 0 {
		return r.Delays
	}
	return []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
}

func (r *Redactor) now() time.Time {
	if r.Now == nil {
		return time.Now().UTC()
	}
	return r.Now().UTC()
}
