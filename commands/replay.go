package commands

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Replay is a request to send dead letters again.
type Replay struct {
	IDs            []string // messages, at most domain.MaxReplay
	Reason         string   // 1 to 200 characters
	Rate           int      // messages a second; 0: 10
	IncludeInDoubt bool     // also those that may have been sent, which may then arrive twice
}

// Forecast is what redriving a message would come to.
type Forecast struct {
	ID    string
	Would domain.Prospect
}

const (
	defaultReplayRate = 10
	replayPrefix      = "replay_"
	loadedAtOnce      = 500 // streams
)

// RequestReplay freezes the selection and returns the id of its replay, which a
// Replayer carries out. Messages that are the caller's and no dead letters, or not
// any more, are skipped then. The error is an Invalid where a message is not the
// caller's.
func (h *Handler) RequestReplay(ctx context.Context, caller Caller, request Replay) (string, error) {
	if err := request.validate(); err != nil {
		return "", err
	}
	if _, err := h.owned(ctx, caller, request.IDs); err != nil {
		return "", err
	}
	return h.requestReplay(ctx, caller, request)
}

// RequestReplayOf is RequestReplay of one message, which it refuses where it would
// be skipped: with ErrNotDeadLettered, ErrDiscarded or ErrInDoubt.
func (h *Handler) RequestReplayOf(ctx context.Context, caller Caller, messageID string, request Replay) (string, error) {
	request.IDs = []string{messageID}
	if err := request.validate(); err != nil {
		return "", err
	}
	m, err := h.message(ctx, caller, messageID)
	if err != nil {
		return "", err
	}
	if _, err := m.State.Decide(domain.Redrive{IncludeInDoubt: request.IncludeInDoubt}); err != nil {
		return "", err
	}
	return h.requestReplay(ctx, caller, request)
}

func (h *Handler) requestReplay(ctx context.Context, caller Caller, request Replay) (string, error) {
	unique := uuid.Must(uuid.NewV7())
	id := replayPrefix + hex.EncodeToString(unique[:])
	command := domain.RequestReplay{IDs: request.IDs, Request: events.ReplayRequested{
		By: caller.Actor, Reason: request.Reason, Rate: orDefault(request.Rate, defaultReplayRate), IncludeInDoubt: request.IncludeInDoubt,
		Test: caller.Test,
	}}
	_, _, err := execute(ctx, h.Store, id, func(stream[domain.Replay]) (domain.Command, events.Meta, error) {
		return command, caller.meta(), nil
	})
	if err != nil {
		return "", fmt.Errorf("requesting replay: %w", err)
	}
	return id, nil
}

// PreviewReplay says what a request would come to if it were made now, message by
// message. It changes nothing.
func (h *Handler) PreviewReplay(ctx context.Context, caller Caller, request Replay) ([]Forecast, error) {
	if request.Reason == "" {
		request.Reason = "preview" // nobody has to justify a question
	}
	if err := request.validate(); err != nil {
		return nil, err
	}
	messages, err := h.owned(ctx, caller, request.IDs)
	if err != nil {
		return nil, err
	}
	optedOut := map[string]bool{}
	var consents []string
	for _, m := range messages {
		consents = append(consents, m.State.Text.Consent)
	}
	for part := range slices.Chunk(consents, loadedAtOnce) {
		recorded, err := h.Store.LoadMany(ctx, part)
		if err != nil {
			return nil, err
		}
		for id, stream := range recorded {
			optedOut[id] = fold[domain.Consent](id, stream).State.OptedOut
		}
	}
	forecasts := make([]Forecast, len(messages))
	redrive := domain.Redrive{IncludeInDoubt: request.IncludeInDoubt}
	for i, m := range messages {
		forecasts[i] = Forecast{m.ID, m.State.Prospect(redrive, optedOut[m.State.Text.Consent], h.now())}
	}
	return forecasts, nil
}

// owned loads messages, all of which have to be the caller's.
func (h *Handler) owned(ctx context.Context, caller Caller, ids []string) ([]stream[domain.Message], error) {
	var invalid Invalid
	messages := make([]stream[domain.Message], 0, len(ids))
	for part := range slices.Chunk(ids, loadedAtOnce) {
		recorded, err := readable(h.Store.LoadMany(ctx, part))
		if err != nil {
			return nil, err
		}
		for _, id := range part {
			m := fold[domain.Message](id, recorded[id])
			if !caller.owns(m) && len(invalid) < 100 {
				invalid.add(fmt.Sprintf("/ids/%d", len(messages)), CodeNotFound, "no message of yours")
			}
			messages = append(messages, m)
		}
	}
	if len(invalid) > 0 {
		return nil, invalid
	}
	return messages, nil
}

// message loads one that a caller may do something about. It answers ErrNotFound
// where that is none of theirs, and a ports.Archived where nobody can, because it was
// detached.
func (h *Handler) message(ctx context.Context, c Caller, id string) (stream[domain.Message], error) {
	m, err := loadOwn(ctx, h.Store, id, func(m stream[domain.Message]) bool {
		return c.owns(m) || (m.Detached > 0 || m.Unread) && !c.Test && c.of(m.Origin)
	})
	if err == nil && m.Detached > 0 {
		err = ports.WhereDetached(ctx, h.Store, m.Detached)
	}
	return m, err
}

// owns reports whether c may do something about a message: its tenant may, and an
// operator, who has none. A test key may touch only what test keys have sent.
func (c Caller) owns(m stream[domain.Message]) bool {
	return m.State.Status != "" && c.of(m.Origin) && (!c.Test || m.State.Text.Test)
}

// of reports whether what began so is c's tenant's; all is an operator's.
func (c Caller) of(origin events.Meta) bool { return c.Tenant == "" || c.Tenant == origin.Tenant }

func (r Replay) validate() error {
	var invalid Invalid
	checkReason(&invalid, r.Reason)
	if r.Rate < 0 || r.Rate > domain.MaxReplayRate {
		invalid.add("/rate", CodeInvalidValue, fmt.Sprintf("1 to %d messages a second", domain.MaxReplayRate))
	}
	switch distinct := map[string]bool{}; {
	case len(r.IDs) == 0:
		invalid.add("/ids", CodeRequired, "name at least one message")
	case len(r.IDs) > domain.MaxReplay:
		invalid.add("/ids", CodeTooMany, fmt.Sprintf("at most %d messages", domain.MaxReplay))
	default:
		for i, id := range r.IDs {
			if distinct[id] {
				invalid.add(fmt.Sprintf("/ids/%d", i), CodeInvalidValue, "every message may stand once")
				break
			}
			distinct[id] = true
		}
	}
	if len(invalid) > 0 {
		return invalid
	}
	return nil
}

// checkReason takes what an operator gives as a reason. It is kept for ever.
func checkReason(invalid *Invalid, reason string) {
	switch {
	case strings.TrimSpace(reason) == "":
		invalid.add("/reason", CodeRequired, "say why, for whoever asks later")
	case utf8.RuneCountInString(reason) > 200:
		invalid.add("/reason", CodeTooLong, "at most 200 characters")
	case !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl):
		invalid.add("/reason", CodeInvalidValue, "printable characters")
	}
}
