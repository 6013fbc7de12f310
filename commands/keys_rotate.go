package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// MaxOverlap is how long a key may go on beside its successor.
const MaxOverlap = 30 * 24 * time.Hour

// RotateKey makes a key that is good for the same as one of the caller's, and lasts
// as long; the old one ends after overlap. It answers ErrKeyEnded where that has
// ended or has a successor already.
func (h *Handler) RotateKey(ctx context.Context, caller Caller, id string, overlap time.Duration) (IssuedKey, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return IssuedKey{}, Invalid{{Pointer: "/overlap", Code: CodeInvalidValue, Detail: "0s to 720h"}}
	}
	for range tries {
		old, err := loadOwn(ctx, h.Store, keyPrefix+id, caller.mayEnd)
		if err != nil {
			return IssuedKey{}, err
		}
		issued := h.cut(old.State.Issued)
		decided, err := old.State.Decide(domain.RotateKey{By: caller.Actor, Successor: issued.ID, At: h.now().Truncate(time.Microsecond), Overlap: overlap})
		if err != nil {
			return IssuedKey{}, err
		}
		meta := caller.meta()
		meta.Tenant = old.Origin.Tenant
		ended := old.consequence(caller.Actor)
		ended.Reason = caller.Reason
		results, err := h.Store.Append(ctx,
			ports.Write{
				StreamID: keyPrefix + issued.ID, Events: []events.Event{issued.Key}, Meta: meta,
				Requires: []ports.Require{{StreamID: old.ID, Version: old.Version}},
			},
			ports.Write{StreamID: old.ID, Expected: old.Version, Events: decided, Meta: ended})
		if err != nil {
			return IssuedKey{}, fmt.Errorf("rotating key %s: %w", id, err)
		}
		if err = errors.Join(results[0].Err, results[1].Err); err == nil {
			issued.CreatedAt = results[0].RecordedAt
			return issued, nil
		}
		if !errors.Is(err, ports.ErrConflict) {
			return IssuedKey{}, fmt.Errorf("rotating key %s: %w", id, err)
		}
	}
	return IssuedKey{}, fmt.Errorf("rotating key %s, %d tries: %w", id, tries, ports.ErrConflict)
}

// mayEnd reports whether a caller may end a key: its tenant may, and an operator,
// who has none. A test key ends test keys only.
func (c Caller) mayEnd(k stream[domain.Key]) bool {
	return k.Version > 0 && c.of(k.Origin) && (!c.Test || k.State.Issued.Test)
}
