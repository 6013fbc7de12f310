package commands

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/crash"
)

// SentAs tells which message a provider took on under an id; empty: none is known. An
// empty provider is any.
type SentAs func(ctx context.Context, provider, providerMessageID string) (messageID string, err error)

// Receive records a provider's receipt for a message. A receipt that arrives twice,
// late or out of order does no harm. One that names no message of ours counts for the
// one that the provider knows by that id. ErrNotFound: there is none either; then a
// final receipt is recorded, in a stream of its own.
func (h *Handler) Receive(ctx context.Context, messageID string, receipt domain.Receipt) error {
	receipt.At = h.now()
	crash.At(crash.ReceiptRead)
	err := h.receive(ctx, messageID, receipt)
	if errors.Is(err, domain.ErrNotFound) {
		err = h.place(ctx, messageID, receipt)
	}
	if err == nil {
		crash.At(crash.ReceiptRecorded)
	}
	return err
}

func (h *Handler) receive(ctx context.Context, messageID string, receipt domain.Receipt) error {
	if !strings.HasPrefix(messageID, messagePrefix) {
		return domain.ErrNotFound
	}
	_, _, err := execute(ctx, h.Store, messageID, func(s stream[domain.Message]) (domain.Command, events.Meta, error) {
		return receipt, s.consequence("provider:" + cmp.Or(receipt.Provider, s.State.MadeBy(receipt.Attempt), s.State.Provider)), nil
	})
	return err
}

// place finds the message of a receipt that does not name it, or records that there
// is none.
func (h *Handler) place(ctx context.Context, named string, receipt domain.Receipt) error {
	if h.SentAs != nil && receipt.ProviderMessageID != "" {
		id, err := h.SentAs(ctx, receipt.Provider, receipt.ProviderMessageID)
		if err != nil {
			return fmt.Errorf("looking for the message of a receipt: %w", err)
		}
		if id != "" {
			receipt.Attempt = 0 // of another message
			if err := h.receive(ctx, id, receipt); !errors.Is(err, domain.ErrNotFound) {
				return err
			}
		}
	}
	if receipt.Result == domain.ReceiptProgress {
		return domain.ErrNotFound
	}
	return errors.Join(domain.ErrNotFound, h.recordStray(ctx, named, receipt))
}

const (
	strayPrefix = "receipt_" // then a hash of the provider and its id of the message
	// straysADay bounds what an instance records in a day of UTC of messages that it
	// does not know: whoever shares our account may have many.
	straysADay = 1000
)

// strays counts what was recorded in a day.
type strays struct {
	mu  sync.Mutex
	day string
	n   int
}

// take reports whether one more may be recorded.
func (s *strays) take(day string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != day {
		s.day, s.n = day, 0
	}
	s.n++
	return s.n <= straysADay
}

func (h *Handler) recordStray(ctx context.Context, named string, receipt domain.Receipt) error {
	if !h.strays.take(receipt.At.Format(time.DateOnly)) {
		return nil
	}
	if !strings.HasPrefix(named, messagePrefix) {
		named = ""
	}
	stray := domain.RecordStray{Receipt: events.ReceiptUnknown{
		Message: named, Attempt: receipt.Attempt, Provider: receipt.Provider,
		ProviderMessageID: shortened(receipt.ProviderMessageID), ProviderStatus: shortened(receipt.ProviderStatus), ErrorCode: shortened(receipt.ErrorCode),
	}}
	sum := sha256.Sum256([]byte(receipt.Provider + "\x00" + receipt.ProviderMessageID))
	_, _, err := execute(ctx, h.Store, strayPrefix+hex.EncodeToString(sum[:16]), func(stream[domain.Stray]) (domain.Command, events.Meta, error) {
		return stray, events.Meta{Actor: "provider:" + cmp.Or(receipt.Provider, "twilio")}, nil
	})
	return err
}

// shortened is a provider's word, at most as long as an id of ours may be.
func shortened(word string) string {
	if len(word) > maxReference {
		word = strings.ToValidUTF8(word[:maxReference], "")
	}
	return word
}
