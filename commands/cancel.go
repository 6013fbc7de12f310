package commands

import (
	"context"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// Cancel calls a message back. It answers ErrClaimed once an attempt was claimed,
// ErrFinal when it has ended otherwise, ErrNotFound when it is not the caller's,
// a ports.Archived when it was detached.
// Canceling what is canceled does nothing.
func (h *Handler) Cancel(ctx context.Context, caller Caller, messageID string) error {
	message, err := h.message(ctx, caller, messageID)
	if err != nil {
		return err
	}
	_, _, err = executeOn(ctx, h.Store, message, func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
		meta := s.consequence(caller.Actor)
		meta.TraceParent, meta.Reason = caller.TraceParent, caller.Reason
		return domain.Cancel{By: caller.Actor}, meta, nil
	})
	return err
}
