package commands

import (
	"context"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// PauseReplay stops a replay until somebody resumes it. What was redriven goes its
// way; a batch that is under way still goes. The reason may be empty.
func (h *Handler) PauseReplay(ctx context.Context, caller Caller, id, reason string) error {
	return h.steerReplay(ctx, caller, id, reason, domain.PauseReplay{By: caller.Actor, Reason: reason})
}

// ResumeReplay lets a replay go on, also one that has paused itself.
func (h *Handler) ResumeReplay(ctx context.Context, caller Caller, id, reason string) error {
	return h.steerReplay(ctx, caller, id, reason, domain.ResumeReplay{By: caller.Actor, Reason: reason})
}

// CancelReplay ends a replay: what it has not redriven stays a dead letter.
func (h *Handler) CancelReplay(ctx context.Context, caller Caller, id, reason string) error {
	return h.steerReplay(ctx, caller, id, reason, domain.CancelReplay{By: caller.Actor, Reason: reason})
}

func (h *Handler) steerReplay(ctx context.Context, caller Caller, id, reason string, command domain.Command) error {
	if reason != "" {
		var invalid Invalid
		if checkReason(&invalid, reason); len(invalid) > 0 {
			return invalid
		}
	}
	replay, err := loadOwn(ctx, h.Store, id, func(r stream[domain.Replay]) bool {
		return (r.State.Status != "" || r.Unread) && caller.of(r.Origin) && (!caller.Test || r.State.Request.Test)
	})
	if err != nil {
		return err
	}
	_, _, err = executeOn(ctx, h.Store, replay, func(r stream[domain.Replay]) (domain.Command, events.Meta, error) {
		return command, r.consequence(caller.Actor), nil
	})
	return err
}

// Discard puts a dead letter aside for good. Discarding what is discarded does nothing.
func (h *Handler) Discard(ctx context.Context, caller Caller, messageID, reason string) error {
	var invalid Invalid
	if checkReason(&invalid, reason); len(invalid) > 0 {
		return invalid
	}
	message, err := h.message(ctx, caller, messageID)
	if err != nil {
		return err
	}
	_, _, err = executeOn(ctx, h.Store, message, func(m stream[domain.Message]) (domain.Command, events.Meta, error) {
		return domain.Discard{By: caller.Actor, Reason: reason}, m.consequence(caller.Actor), nil
	})
	return err
}
