package commands

import (
	"cmp"
	"context"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/crash"
)

// Receive records a provider's receipt for a message. A receipt that arrives
// twice, late or out of order does no harm. ErrNotFound: there is no such message.
func (h *Handler) Receive(ctx context.Context, messageID string, receipt domain.Receipt) error {
	if !strings.HasPrefix(messageID, messagePrefix) {
		return domain.ErrNotFound
	}
	receipt.At = h.now()
	crash.At(crash.ReceiptRead)
	_, _, err := execute(ctx, h.Store, messageID, func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
		return receipt, s.consequence("provider:" + cmp.Or(receipt.Provider, s.State.MadeBy(receipt.Attempt), s.State.Provider)), nil
	})
	if err == nil {
		crash.At(crash.ReceiptRecorded)
	}
	return err
}
