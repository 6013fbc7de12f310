package commands

import (
	"context"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// SkipEvent lets a projection pass over an event that it cannot apply. Instances that
// run notice within seconds. It is refused with domain.ErrSkipped where that is decided.
func (h *Handler) SkipEvent(ctx context.Context, caller Caller, skipped events.ProjectionSkipped) error {
	_, _, err := execute(ctx, h.Store, ports.SkipsOf(skipped.Projection), func(stream[domain.Skips]) (domain.Command, events.Meta, error) {
		return domain.SkipEvent{Skipped: skipped}, caller.meta(), nil
	})
	return err
}
