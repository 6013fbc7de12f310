package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/segments"
	"github.com/pro-sms/prosms/events"
)

// Preview is what a Send would come to.
type Preview struct {
	Text     events.MessageAccepted
	ForcedBy []string // the characters that force UCS-2
	OptedOut bool
}

// Preview validates a request as Send does, and sends nothing.
func (h *Handler) Preview(ctx context.Context, caller Caller, request Send) (Preview, error) {
	_, text, err := h.prepare(caller, request)
	if err != nil {
		return Preview{}, err
	}
	optedOut, err := h.OptedOut(ctx, caller.Tenant, text.To)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Text: text, OptedOut: optedOut}
	for _, r := range segments.ForcedBy(string(text.Body)) {
		preview.ForcedBy = append(preview.ForcedBy, string(r))
	}
	return preview, nil
}

// OptedOut reports whether a number wants no texts from a tenant.
func (h *Handler) OptedOut(ctx context.Context, tenant string, number events.Personal) (bool, error) {
	ids := h.Lookup.ConsentStreams(tenant, number)
	recorded, err := h.Store.LoadMany(ctx, ids)
	if err != nil {
		return false, fmt.Errorf("loading consents: %w", err)
	}
	return slices.ContainsFunc(ids, func(id string) bool {
		return fold[domain.Consent](id, recorded[id]).State.OptedOut
	}), nil
}
