package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/domain/segments"
	"github.com/pro-sms/prosms/events"
)

// Bounds of what a request may carry.
const (
	maxReference     = 255
	maxMetadata      = 20
	maxMetadataKey   = 64
	maxMetadataValue = 512
	maxAhead         = 366 * 24 * time.Hour // of send_at and expires_at
)

// validate returns the text that request asks for. With an Invalid it returns as
// much of the text as could be read.
func (h *Handler) validate(request Send) (events.MessageAccepted, error) {
	var invalid Invalid
	text := events.MessageAccepted{
		Lane:      string(domain.Normal),
		Kind:      string(domain.Transactional),
		Reference: request.Reference,
		Metadata:  request.Metadata,
	}
	h.validateAddresses(&invalid, request, &text)
	validateBody(&invalid, request.Body, &text)
	validateClass(&invalid, request, &text)
	validateLabels(&invalid, request)
	h.validateDates(&invalid, request, &text)
	validateZone(&invalid, request, &text)
	if text.CallbackURL = request.CallbackURL; text.CallbackURL != "" {
		validateWebhookURL(&invalid, "/callback_url", text.CallbackURL, h.PlainCallbacks)
	}
	if len(invalid) > 0 {
		return text, invalid
	}
	return text, nil
}

func (h *Handler) validateAddresses(invalid *Invalid, request Send, text *events.MessageAccepted) {
	if request.To == "" {
		invalid.add("/to", CodeRequired, "name the recipient")
	} else if to, err := h.recipients.parse(request.To, h.dialled); err != nil {
		invalid.add("/to", CodeInvalidNumber, numberDetail(err))
	} else {
		text.To = events.Personal(to)
	}
	if request.From != "" {
		from, err := h.senders.parse(request.From, phone.ParseSender)
		if err != nil {
			invalid.add("/from", CodeInvalidSender, "an E.164 number, a short code of 3 to 8 digits, or 1 to 11 letters and digits")
		}
		text.From = events.Personal(from)
	}
}

// dialled reads a number as it is dialled where the handler is.
func (h *Handler) dialled(raw string) (string, error) { return phone.Parse(raw, h.Region) }

// numberDetail explains a refusal of phone.Parse.
func numberDetail(err error) string {
	switch {
	case errors.Is(err, phone.ErrNoRegion):
		return "write it in international form, beginning with +"
	case errors.Is(err, phone.ErrSyntax):
		return "digits with an optional leading + and the separators space - . ( )"
	case errors.Is(err, phone.ErrNotTextable):
		return "numbers of this type receive no texts"
	}
	return "not a number that exists in any numbering plan"
}

func validateBody(invalid *Invalid, body string, text *events.MessageAccepted) {
	if body == "" {
		invalid.add("/body", CodeRequired, "a text needs a body")
		return
	}
	body = segments.Normalise(body)
	size := segments.Count(body)
	switch err := segments.Check(body); {
	case errors.Is(err, segments.ErrControl), errors.Is(err, segments.ErrDamaged), errors.Is(err, segments.ErrEmpty):
		invalid.add("/body", CodeInvalidBody, "no control characters but newline, nothing damaged, and more than white space")
	case err != nil:
		invalid.add("/body", CodeTooLong, "at most 1,600 characters")
	}
	text.Body, text.Encoding, text.Segments = events.Personal(body), string(size.Encoding), size.Segments
}

func validateClass(invalid *Invalid, request Send, text *events.MessageAccepted) {
	if request.Lane != "" {
		if !slices.Contains(domain.Lanes, domain.Lane(request.Lane)) {
			invalid.add("/lane", CodeInvalidValue, "one of high, normal, bulk")
		}
		text.Lane = request.Lane
	}
	switch domain.Kind(request.Kind) {
	case "", domain.Transactional:
	case domain.Marketing:
		text.Kind = request.Kind
	default:
		invalid.add("/kind", CodeInvalidValue, "one of transactional, marketing")
	}
}

func validateLabels(invalid *Invalid, request Send) {
	if !printable(request.Reference, maxReference) {
		invalid.add("/reference", CodeInvalidValue, fmt.Sprintf("at most %d printable characters", maxReference))
	}
	if len(request.Metadata) > maxMetadata {
		invalid.add("/metadata", CodeTooLong, fmt.Sprintf("at most %d entries", maxMetadata))
	}
	for key, value := range request.Metadata {
		if key == "" || !printable(key, maxMetadataKey) || !printable(value, maxMetadataValue) {
			invalid.add("/metadata", CodeInvalidValue, fmt.Sprintf(
				"keys of 1 to %d and values of at most %d printable characters", maxMetadataKey, maxMetadataValue))
			break
		}
	}
}

func (h *Handler) validateDates(invalid *Invalid, request Send, text *events.MessageAccepted) {
	now := h.now()
	if at, ok := parseTime(invalid, "/send_at", request.SendAt); ok {
		text.SendAt = &at
		if at.After(now.Add(maxAhead)) {
			invalid.add("/send_at", CodeInvalidDate, "at most 366 days ahead")
		}
	}
	if at, ok := parseTime(invalid, "/expires_at", request.ExpiresAt); ok {
		text.ExpiresAt = &at
		switch {
		case text.SendAt != nil && !at.After(*text.SendAt):
			invalid.add("/expires_at", CodeInvalidDate, "must be after send_at")
		case !at.After(now):
			invalid.add("/expires_at", CodeDatePassed, "must be in the future")
		case at.After(now.Add(maxAhead)):
			invalid.add("/expires_at", CodeInvalidDate, "at most 366 days ahead")
		}
	}
}

// validateZone sees to it that there is a clock to keep a marketing text's quiet
// hours by.
func validateZone(invalid *Invalid, request Send, text *events.MessageAccepted) {
	if request.TimeZone != "" {
		if _, ok := loadZone(request.TimeZone); !ok {
			invalid.add("/time_zone", CodeInvalidValue, "the IANA name of a time zone, such as Europe/Berlin")
			return
		}
		text.TimeZone = request.TimeZone
	}
	if text.Kind == string(domain.Marketing) && text.To != "" && len(zonesOf(*text)) == 0 {
		invalid.add("/time_zone", CodeRequired, "the number tells no time zone: name the recipient's")
	}
}

// parseTime reads an RFC 3339 time, to the microsecond that the log keeps.
func parseTime(invalid *Invalid, pointer, value string) (time.Time, bool) {
	if value == "" {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		invalid.add(pointer, CodeInvalidDate, "an RFC 3339 date and time with its offset, such as 2030-01-31T08:00:00Z")
		return time.Time{}, false
	}
	return at.UTC().Truncate(time.Microsecond), true
}

func printable(s string, limit int) bool {
	return utf8.RuneCountInString(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	})
}
