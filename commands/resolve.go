package commands

import (
	"context"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// Resolve is an operator's word on an attempt that is in doubt.
type Resolve struct {
	Attempt           int    // 0: the last one
	Verdict           string // one of domain.Verdicts
	ProviderMessageID string // with "sent", and only then
	Reason            string // 1 to 200 characters
}

// Resolve settles a doubt by hand. It answers ErrNotInDoubt where the attempt is
// settled by now, ErrNotFound when the message is not the caller's, a
// ports.Archived when it was detached.
func (h *Handler) Resolve(ctx context.Context, caller Caller, messageID string, request Resolve) error {
	if err := request.validate(); err != nil {
		return err
	}
	message, err := h.message(ctx, caller, messageID)
	if err != nil {
		return err
	}
	_, _, err = executeOn(ctx, h.Store, message, func(m stream[domain.Message]) (domain.Command, events.Meta, error) {
		meta := m.consequence(caller.Actor)
		meta.TraceParent, meta.Reason = caller.TraceParent, request.Reason
		return domain.Resolve{
			Attempt: orDefault(request.Attempt, m.State.Attempt), Verdict: domain.Verdict(request.Verdict),
			ProviderMessageID: request.ProviderMessageID, By: caller.Actor, Reason: request.Reason,
		}, meta, nil
	})
	return err
}

func (r Resolve) validate() error {
	var invalid Invalid
	checkReason(&invalid, r.Reason)
	switch id, sent := r.ProviderMessageID, r.Verdict == string(domain.VerdictSent); {
	case !slices.Contains(domain.Verdicts, domain.Verdict(r.Verdict)):
		invalid.add("/verdict", CodeInvalidValue, "one of sent, resend, give_up")
	case sent && strings.TrimSpace(id) == "":
		invalid.add("/provider_message_id", CodeRequired, "what was sent has an id at the provider")
	case !sent && id != "":
		invalid.add("/provider_message_id", CodeInvalidValue, "only with the verdict sent")
	case !printable(id, maxReference) || id != strings.TrimSpace(id):
		invalid.add("/provider_message_id", CodeInvalidValue, "1 to 255 printable characters")
	}
	if len(invalid) > 0 {
		return invalid
	}
	return nil
}
