package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// ErrIdempotencyConflict says that an idempotency key was used with another request.
var ErrIdempotencyConflict = errors.New("idempotency key was used with another request")

// Send is a request to send one text, as it arrived.
type Send struct {
	To, From, Body string
	SendAt         string // RFC 3339; empty: at once
	ExpiresAt      string // RFC 3339; empty: never
	Lane           string // empty: normal
	Kind           string // empty: transactional
	Reference      string
	Metadata       map[string]string
	CallbackURL    string
	TimeZone       string
	IdempotencyKey string // empty: every request is a new message
}

// Sent answers a Send.
type Sent struct {
	ID        string
	Status    domain.Status // as the request was answered first
	Text      events.MessageAccepted
	CreatedAt time.Time
	Replayed  bool // the key was known: nothing was added
}

// SendResult is the Sent of one item of a batch, or the reason why there is none.
type SendResult struct {
	Sent Sent
	Err  error // an Invalid, a PrefixPaused, a QuotaExceeded, ErrIdempotencyConflict, a ports.Archived, events.ErrUnreadable or ErrUnavailable
}

// Send accepts one text: when it returns without an error, the text is durable
// and will be carried to a terminal status.
func (h *Handler) Send(ctx context.Context, caller Caller, request Send) (Sent, error) {
	results, err := h.SendBatch(ctx, caller, []Send{request})
	if err != nil {
		return Sent{}, err
	}
	return results[0].Sent, results[0].Err
}

// SendBatch accepts what is acceptable among requests, in one commit, and answers
// each in order. Its error means that the outcome of all is unknown; with
// idempotency keys the batch can then be repeated safely.
func (h *Handler) SendBatch(ctx context.Context, caller Caller, requests []Send) ([]SendResult, error) {
	results := make([]SendResult, len(requests))
	var offers []offer
	for i, request := range requests {
		id, text, err := h.prepare(caller, request)
		if err != nil {
			results[i] = h.refuse(ctx, request, id, text, err)
			continue
		}
		offers = append(offers, offer{ports.Write{StreamID: id, Events: []events.Event{text}, Meta: caller.meta()}, i})
	}
	offers = h.refusePaused(ctx, caller, offers, results)
	offers, giveBack, err := h.takeQuota(ctx, caller, offers, results)
	h.tellRefused(caller.Tenant, results)
	if err != nil || len(offers) == 0 {
		return results, err
	}
	return results, h.accept(ctx, offers, results, giveBack)
}

// accept appends what is offered, in one commit, and answers each in results.
func (h *Handler) accept(ctx context.Context, offers []offer, results []SendResult, giveBack giveBack) error {
	writes := make([]ports.Write, len(offers))
	unneeded := ports.Usage{}
	for n, o := range offers {
		writes[n] = o.write
		unneeded = unneeded.Plus(o.usage())
	}
	defer func() { giveBack(ctx, unneeded) }()
	crash.At(crash.RequestRead)
	appended, err := h.Store.Append(ctx, writes...)
	if err != nil {
		return fmt.Errorf("accepting %d messages: %w", len(writes), err)
	}
	crash.At(crash.RequestCommitted)
	for n, result := range appended {
		o := offers[n]
		switch {
		case result.Err == nil:
			results[o.index].Sent = sent(o.write.StreamID, o.text(), result.RecordedAt)
			h.Fresh.keep(o.write, o.text(), result)
			unneeded = unneeded.Minus(o.usage())
		case errors.Is(result.Err, ports.ErrConflict):
			results[o.index].Sent, results[o.index].Err = h.repeated(ctx, o.write.StreamID, o.text())
		default:
			results[o.index].Err = result.Err
		}
	}
	return nil
}

// prepare validates a request and names its message. The text is returned with
// its fingerprint even where dates alone made the request invalid, since the
// repeat of a request that was accepted in time is answered as before.
func (h *Handler) prepare(caller Caller, request Send) (string, events.MessageAccepted, error) {
	text, err := h.validate(request)
	text.Test = caller.Test
	if text.To != "" {
		text.Consent = h.Lookup.ConsentStream(caller.Tenant, text.To)
	}
	if request.IdempotencyKey == "" {
		return newMessageID(), h.settle(text), err
	}
	canonical, marshalErr := json.Marshal(text)
	if marshalErr != nil {
		return "", text, fmt.Errorf("fingerprinting request: %w", marshalErr)
	}
	text.Fingerprint = h.Lookup.fingerprint(canonical)
	return h.Lookup.messageID(caller, request.IdempotencyKey), h.settle(text), err
}

// settle drops a send_at that has passed: the text goes at once.
func (h *Handler) settle(text events.MessageAccepted) events.MessageAccepted {
	if text.SendAt != nil && !text.SendAt.After(h.now()) {
		text.SendAt = nil
	}
	return text
}

// refuse answers an invalid request, unless it repeats one that was valid once.
func (h *Handler) refuse(ctx context.Context, request Send, id string, text events.MessageAccepted, cause error) SendResult {
	var invalid Invalid
	if request.IdempotencyKey == "" || !errors.As(cause, &invalid) || !invalid.onlyLate() {
		return SendResult{Err: cause}
	}
	repeated, err := h.repeated(ctx, id, text)
	if errors.Is(err, domain.ErrNotFound) {
		return SendResult{Err: cause}
	}
	return SendResult{Sent: repeated, Err: err}
}

// repeated answers a request whose key is taken with what the first was answered.
func (h *Handler) repeated(ctx context.Context, id string, text events.MessageAccepted) (Sent, error) {
	recorded, err := h.Store.Load(ctx, id)
	if err != nil {
		return Sent{}, fmt.Errorf("loading stream %s: %w", id, err)
	}
	if len(recorded) == 0 {
		return Sent{}, fmt.Errorf("loading stream %s: %w", id, domain.ErrNotFound)
	}
	if recorded[0].Detached() {
		return Sent{}, ports.WhereDetached(ctx, h.Store, recorded[0].Position)
	}
	first, ok := recorded[0].Data.(events.MessageAccepted)
	if !ok || first.Fingerprint != text.Fingerprint {
		return Sent{}, ErrIdempotencyConflict
	}
	s := sent(id, first, recorded[0].RecordedAt)
	s.Replayed = true
	return s, nil
}

func sent(id string, text events.MessageAccepted, at time.Time) Sent {
	return Sent{ID: id, Status: domain.Message{}.Evolve(text).Status, Text: text, CreatedAt: at}
}
