package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// ErrNotSealed says that this store seals nothing, so that nobody can be forgotten.
var ErrNotSealed = errors.New("personal data is not sealed here")

// Forgotten answers Forget.
type Forgotten struct {
	Subject string // id of the person, in subject.forgotten
	At      time.Time
}

// Forget makes everything personal that a tenant has about the person behind a number
// unreadable for ever: texts, consents, texts from them. When it returns without an
// error, their key is destroyed; other instances hold it in memory for a minute at
// most. What waits is given up at its claim. An opt-out still holds. It can be
// repeated, and does not ask whether the number is known. EveryTenant's is what nobody
// else has.
func (h *Handler) Forget(ctx context.Context, caller Caller, number events.Personal) (Forgotten, error) {
	if h.Sealer == nil {
		return Forgotten{}, ErrNotSealed
	}
	return h.Sealer.forget(ctx, caller, number)
}

func (s *Sealer) forget(ctx context.Context, caller Caller, number events.Personal) (Forgotten, error) {
	s.init()
	forgotten := Forgotten{Subject: s.Lookup.Subject(caller.Tenant, number)}
	for range tries {
		recorded, err := s.EventStore.Load(ctx, subjectStream(forgotten.Subject))
		if err != nil {
			return forgotten, fmt.Errorf("loading subject %s: %w", forgotten.Subject, err)
		}
		current := subjectKey{id: forgotten.Subject, generation: len(recorded)}
		if n := len(recorded); n > 0 {
			forgotten.At = recorded[n-1].RecordedAt
			kept, err := s.Keyring.Get(ctx, current.name())
			if err != nil {
				return forgotten, fmt.Errorf("forgetting subject %s: %w", forgotten.Subject, err)
			}
			if kept[current.name()] == nil { // nothing has come since
				return forgotten, s.keys.destroy(ctx, forgotten.Subject, current.generation)
			}
		}
		results, err := s.EventStore.Append(ctx, ports.Write{
			StreamID: subjectStream(forgotten.Subject), Expected: current.generation, Meta: caller.meta(),
			Events: []events.Event{events.SubjectForgotten{Subject: forgotten.Subject, Consent: s.Lookup.ConsentStream(caller.Tenant, number), By: caller.Actor}},
			// In the same commit, so that whoever is killed now is made up for.
			Keys: []ports.Key{{Name: forgetPrefix + current.ref(), Key: []byte{keptNote}}},
		})
		if err != nil {
			return forgotten, fmt.Errorf("forgetting subject %s: %w", forgotten.Subject, err)
		}
		if results[0].Err != nil {
			continue // somebody else has
		}
		crash.At(crash.SubjectForgotten)
		forgotten.At = results[0].RecordedAt
		return forgotten, s.keys.destroy(ctx, forgotten.Subject, current.generation+1)
	}
	return forgotten, fmt.Errorf("forgetting subject %s, %d tries: %w", forgotten.Subject, tries, ports.ErrUnavailable)
}

// CompleteForgetting destroys the keys that a crash has left behind a
// subject.forgotten, and returns of how many subjects there were some.
func (s *Sealer) CompleteForgetting(ctx context.Context) (int, error) {
	s.init()
	for done := 0; ; {
		notes, err := s.Keyring.Names(ctx, forgetPrefix, "", 100)
		if err != nil || len(notes) == 0 {
			return done, err
		}
		for _, note := range notes {
			subject, generation, ok := readNote(note)
			if !ok {
				return done, fmt.Errorf("reading note %s: malformed", note)
			}
			if err := s.keys.destroy(ctx, subject, generation+1); err != nil {
				return done, err
			}
			done++
		}
	}
}
