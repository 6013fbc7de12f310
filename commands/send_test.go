package commands

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
)

func TestARequestThatCannotBeCarriedOutIsRefusedWithItsFaults(t *testing.T) {
	now := time.Date(2030, 1, 31, 8, 0, 0, 0, time.UTC)
	valid := Send{To: "+14155552671", Body: "hello"}
	for _, tt := range []struct {
		name          string
		change        func(*Send)
		pointer, code string
	}{
		{"no recipient", func(s *Send) { s.To = "" }, "/to", CodeRequired},
		{"a number that is too short", func(s *Send) { s.To = "+1" }, "/to", CodeInvalidNumber},
		{"a number of no numbering plan", func(s *Send) { s.To = "+447700900123" }, "/to", CodeInvalidNumber},
		{"another channel", func(s *Send) { s.To = "whatsapp:+14155552671" }, "/to", CodeInvalidNumber},
		{"a national number without a region", func(s *Send) { s.To = "4155552671" }, "/to", CodeInvalidNumber},
		{"an extension", func(s *Send) { s.To = "+14155552671 ext 5" }, "/to", CodeInvalidNumber},
		{"full-width digits", func(s *Send) { s.To = "+１４１５５５５２６７１" }, "/to", CodeInvalidNumber},
		{"a sender that is none", func(s *Send) { s.From = "Acme & Sons Incorporated" }, "/from", CodeInvalidSender},
		{"no body", func(s *Send) { s.Body = "" }, "/body", CodeRequired},
		{"a body of spaces", func(s *Send) { s.Body = " \n " }, "/body", CodeInvalidBody},
		{"a control character", func(s *Send) { s.Body = "ring\a" }, "/body", CodeInvalidBody},
		{"1,601 characters", func(s *Send) { s.Body = strings.Repeat("a", 1601) }, "/body", CodeTooLong},
		{"an unknown lane", func(s *Send) { s.Lane = "express" }, "/lane", CodeInvalidValue},
		{"an unknown kind", func(s *Send) { s.Kind = "spam" }, "/kind", CodeInvalidValue},
		{"a date that is none", func(s *Send) { s.SendAt = "tomorrow" }, "/send_at", CodeInvalidDate},
		{"a date without offset", func(s *Send) { s.SendAt = "2030-02-01T08:00:00" }, "/send_at", CodeInvalidDate},
		{"a date too far off", func(s *Send) { s.SendAt = "2032-02-01T08:00:00Z" }, "/send_at", CodeInvalidDate},
		{"an expiry that has passed", func(s *Send) { s.ExpiresAt = "2030-01-31T07:59:59Z" }, "/expires_at", CodeDatePassed},
		{"an expiry before the sending", func(s *Send) {
			s.SendAt, s.ExpiresAt = "2030-02-02T08:00:00Z", "2030-02-01T08:00:00Z"
		}, "/expires_at", CodeInvalidDate},
		{"a reference with a line break", func(s *Send) { s.Reference = "a\nb" }, "/reference", CodeInvalidValue},
		{"a metadata key without a name", func(s *Send) { s.Metadata = map[string]string{"": "x"} }, "/metadata", CodeInvalidValue},
		{"a callback without TLS", func(s *Send) { s.CallbackURL = "http://example.com/hook" }, "/callback_url", CodeInvalidValue},
		{"a callback that leads inside", func(s *Send) { s.CallbackURL = "https://169.254.169.254/latest" }, "/callback_url", CodeInvalidValue},
		{"a callback with credentials", func(s *Send) { s.CallbackURL = "https://a:b@example.com/hook" }, "/callback_url", CodeInvalidValue},
		{"a callback that is no URL", func(s *Send) { s.CallbackURL = "hook" }, "/callback_url", CodeInvalidValue},
		{"a zone that is none", func(s *Send) { s.TimeZone = "Europe/Atlantis" }, "/time_zone", CodeInvalidValue},
		{"the machine's zone", func(s *Send) { s.TimeZone = "Local" }, "/time_zone", CodeInvalidValue},
		{"a file as a zone", func(s *Send) { s.TimeZone = "../../etc/passwd" }, "/time_zone", CodeInvalidValue},
		{"advertising to a number without a zone", func(s *Send) { s.To, s.Kind = "+870773111632", "marketing" }, "/time_zone", CodeRequired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.handler.Now = func() time.Time { return now }
			request := valid
			tt.change(&request)
			_, err := w.handler.Send(t.Context(), caller, request)
			var invalid Invalid
			if !errors.As(err, &invalid) || len(invalid) != 1 || invalid[0].Pointer != tt.pointer || invalid[0].Code != tt.code {
				t.Errorf("got %v, want %s at %s", err, tt.code, tt.pointer)
			}
			if head, _ := w.store.Head(t.Context()); head.LastPosition != 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestABodyMayHave1600CharactersWhateverTheyCost(t *testing.T) {
	for body, segments := range map[string]int{
		strings.Repeat("a", 1600):          11,
		strings.Repeat("{", 1600):          22, // two septets each, 76 in a part
		strings.Repeat("漢", 1600):          24,
		strings.Repeat("😀", 1600):          49,
		"a" + strings.Repeat("\r\n", 1599): 11, // 3,199 as it came
	} {
		w := newWorld(t)
		sent, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", Body: body})
		if err != nil || sent.Text.Segments != segments {
			t.Errorf("%.10q…: %d segments, %v; want %d", body, sent.Text.Segments, err, segments)
		}
	}
}

func TestTheRepeatOfARequestIsAnsweredAsTheFirst(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2030, 1, 31, 8, 0, 0, 0, time.UTC)
	w.handler.Now = func() time.Time { return now }
	request := Send{To: "+14155552671", Body: "hello", ExpiresAt: "2030-01-31T09:00:00Z", SendAt: "2030-01-31T08:30:00Z", IdempotencyKey: "k"}
	first, err := w.handler.Send(t.Context(), caller, request)
	if err != nil || first.Replayed || first.Status != domain.Scheduled {
		t.Fatalf("first: %+v, %v", first, err)
	}
	now = now.Add(24 * time.Hour) // its dates have passed, which is no reason to refuse what was accepted
	again, err := w.handler.Send(t.Context(), caller, request)
	if err != nil || !again.Replayed || again.ID != first.ID || again.Status != first.Status || !again.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("again: %+v, %v; want %+v", again, err, first)
	}
	w.expect(first.ID, "message.accepted")
}

func TestAKeyIsRefusedForAnotherRequestAndFreeForAnotherTenant(t *testing.T) {
	w := newWorld(t)
	first, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", Body: "one", IdempotencyKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.handler.Send(t.Context(), caller, Send{To: "+14155552671", Body: "two", IdempotencyKey: "k"}); !errors.Is(err, ErrIdempotencyConflict) {
		t.Errorf("another body: %v, want ErrIdempotencyConflict", err)
	}
	other, err := w.handler.Send(t.Context(), Caller{Tenant: "other"}, Send{To: "+14155552671", Body: "two", IdempotencyKey: "k"})
	if err != nil || other.ID == first.ID {
		t.Errorf("another tenant: %+v, %v", other, err)
	}
}

func TestOneBadItemOfABatchDropsNoOther(t *testing.T) {
	w := newWorld(t)
	results, err := w.handler.SendBatch(t.Context(), caller, []Send{
		{To: "+14155552671", Body: "one", IdempotencyKey: "k#0"},
		{To: "nobody", Body: "two", IdempotencyKey: "k#1"},
		{To: "+14155552671", Body: "three", IdempotencyKey: "k#2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != nil || results[2].Err != nil || results[1].Err == nil {
		t.Errorf("results %+v; want the second alone refused", results)
	}
	w.expect(results[0].Sent.ID, "message.accepted")
	w.expect(results[2].Sent.ID, "message.accepted")
}
