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

// Replace is a request to send another text in the place of a dead letter.
type Replace struct {
	To, From, Body string
	ExpiresAt      string // RFC 3339; empty: as the dead letter's
	Reason         string // 1 to 200 characters
	IncludeInDoubt bool   // also where the dead letter may have been sent: then both may arrive
}

// Replace accepts a new message and puts the dead letter aside, both or neither.
// The new one names the old as its cause, message.discarded names the new. Lane,
// kind, reference and the like are the old one's. It is refused as a redrive is:
// with ErrNotDeadLettered, ErrDiscarded or ErrInDoubt.
func (h *Handler) Replace(ctx context.Context, caller Caller, messageID string, request Replace) (Sent, error) {
	var invalid Invalid
	if checkReason(&invalid, request.Reason); len(invalid) > 0 {
		return Sent{}, invalid
	}
	for range tries {
		old, err := h.message(ctx, caller, messageID)
		if err != nil {
			return Sent{}, err
		}
		replaced, err := h.replace(ctx, caller, old, request)
		if !errors.Is(err, ports.ErrConflict) {
			return replaced, err
		}
	}
	return Sent{}, fmt.Errorf("replacing %s, %d tries: %w", messageID, tries, ports.ErrConflict)
}

// replace writes both streams in one commit. The new one goes first: it requires
// the version of the old one that the second write ends.
func (h *Handler) replace(ctx context.Context, caller Caller, old stream[domain.Message], request Replace) (Sent, error) {
	caller.Tenant, caller.Test = old.Origin.Tenant, old.State.Text.Test
	id, text, err := h.prepare(caller, request.instead(old.State.Text))
	if err != nil {
		return Sent{}, err
	}
	decided, err := old.State.Decide(domain.Replace{
		By: caller.Actor, Reason: request.Reason, MessageID: id, IncludeInDoubt: request.IncludeInDoubt,
	})
	if err != nil {
		return Sent{}, err
	}
	meta := old.consequence(caller.Actor)
	meta.TraceParent, meta.Reason = caller.TraceParent, request.Reason
	results, err := h.Store.Append(ctx,
		ports.Write{StreamID: id, Events: []events.Event{text}, Meta: meta, Requires: []ports.Require{{StreamID: old.ID, Version: old.Version}}},
		ports.Write{StreamID: old.ID, Expected: old.Version, Events: decided, Meta: meta})
	if err != nil {
		return Sent{}, fmt.Errorf("replacing %s: %w", old.ID, err)
	}
	if err := errors.Join(results[0].Err, results[1].Err); err != nil {
		return Sent{}, fmt.Errorf("replacing %s: %w", old.ID, err)
	}
	return sent(id, text, results[0].RecordedAt), nil
}

// instead is the request for a text that takes the place of another.
func (r Replace) instead(old events.MessageAccepted) Send {
	request := Send{
		To: r.To, From: r.From, Body: r.Body, ExpiresAt: r.ExpiresAt,
		Lane: old.Lane, Kind: old.Kind, Reference: old.Reference, Metadata: old.Metadata,
		CallbackURL: old.CallbackURL, TimeZone: old.TimeZone,
	}
	if request.ExpiresAt == "" && old.ExpiresAt != nil {
		request.ExpiresAt = old.ExpiresAt.Format(time.RFC3339Nano)
	}
	return request
}
