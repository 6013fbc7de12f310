package twilio_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestParseStatus(t *testing.T) {
	t.Parallel()
	receipt := func(status, code string, result domain.ReceiptResult) domain.Receipt {
		return domain.Receipt{ProviderMessageID: sid, ProviderStatus: status, ErrorCode: code, Result: result}
	}
	for _, tt := range []struct {
		name, body string
		want       domain.Receipt
	}{
		{"vector A", statusA, receipt("delivered", "", domain.ReceiptDelivered)},
		{"read", "MessageSid=" + sid + "&MessageStatus=read", receipt("read", "", domain.ReceiptDelivered)},
		{"undelivered", "MessageSid=" + sid + "&MessageStatus=undelivered&ErrorCode=30003", receipt("undelivered", "30003", domain.ReceiptUndelivered)},
		{"failed", "MessageSid=" + sid + "&MessageStatus=failed&ErrorCode=30007", receipt("failed", "30007", domain.ReceiptUndelivered)},
		{"canceled", "MessageSid=" + sid + "&MessageStatus=canceled", receipt("canceled", "", domain.ReceiptUndelivered)},
		{"sent", "MessageSid=" + sid + "&MessageStatus=sent", receipt("sent", "", domain.ReceiptProgress)},
		{"a status to come", "MessageSid=" + sid + "&MessageStatus=partially_delivered", receipt("partially_delivered", "", domain.ReceiptProgress)},
		{"the older names", "SmsSid=" + sid + "&SmsStatus=delivered", receipt("delivered", "", domain.ReceiptDelivered)},
		{"fields to come", "MessageSid=" + sid + "&MessageStatus=sent&New=%2B1&RawDlrDoneDate=2603011200", receipt("sent", "", domain.ReceiptProgress)},
		{"repeated: the first, which is signed", "MessageSid=" + sid + "&MessageStatus=failed&MessageStatus=delivered", receipt("failed", "", domain.ReceiptUndelivered)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := twilio.ParseStatus([]byte(tt.body)); err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseStatusRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"an empty body":       "",
		"no status":           "MessageSid=" + sid,
		"no message":          "MessageStatus=sent&To=%2B14155550100",
		"a call":              "MessageSid=CA0123456789abcdef0123456789abcdef&MessageStatus=sent",
		"a status of numbers": "MessageSid=" + sid + "&MessageStatus=%2B14155550100",
		"an endless status":   "MessageSid=" + sid + "&MessageStatus=" + strings.Repeat("a", 40),
		"a code of words":     "MessageSid=" + sid + "&MessageStatus=failed&ErrorCode=%2B14155550100",
		"a raw semicolon":     "MessageSid=" + sid + ";MessageStatus=sent",
		"too large a body":    "MessageSid=" + sid + "&MessageStatus=sent&x=" + strings.Repeat("x", 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := twilio.ParseStatus([]byte(body))
			if err == nil || got != (domain.Receipt{}) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if strings.Contains(err.Error(), "4155550100") {
				t.Error("the error shows a number")
			}
		})
	}
}

func TestParseInbound(t *testing.T) {
	t.Parallel()
	got, err := twilio.ParseInbound([]byte(inboundB + "&OptOutType=STOP"))
	want := twilio.Inbound{
		Text:       events.InboundReceived{From: "+14155552671", To: "+15005550006", Body: "Stop  please! 👍", ProviderMessageID: sid},
		OptOutType: "STOP", Answered: true,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = twilio.ParseInbound([]byte("MessageSid=" + sid + "&From=72345&To=%2B15005550006&OptOutType=MAYBE"))
	want = twilio.Inbound{Text: events.InboundReceived{From: "72345", To: "+15005550006", ProviderMessageID: sid}}
	if err != nil || got != want {
		t.Errorf("a short code and an empty text: got %+v, %v", got, err)
	}
	for body, answered := range map[string]bool{"sToP": true, " Stop ": true, "help": true, "YES": true, "Stop please": false, "STOP ALL": false, "ALTO": false} {
		got, err := twilio.ParseInbound([]byte("MessageSid=" + sid + "&From=72345&To=%2B15005550006&Body=" + url.QueryEscape(body)))
		if err != nil || got.Answered != answered {
			t.Errorf("%q: answered %t, want %t, %v", body, got.Answered, answered, err)
		}
	}
	for _, body := range []string{"", "From=%2B14155550100&To=%2B15005550006", "MessageSid=" + sid + "&To=%2B15005550006", "a;b"} {
		if got, err := twilio.ParseInbound([]byte(body)); err == nil || strings.Contains(err.Error(), "4155550100") {
			t.Errorf("%q: got %+v, %v", body, got, err)
		}
	}
}

// What is parsed goes into events and logs, so that nothing personal may fit.
func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(statusA))
	f.Add([]byte(inboundB))
	f.Add([]byte("MessageSid=" + sid + "&MessageStatus=failed&ErrorCode=30007"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := twilio.ParseStatus(body)
		if err != nil {
			if r != (domain.Receipt{}) {
				t.Error("an error and a receipt")
			}
			return
		}
		if len(r.ProviderMessageID) != 34 || len(r.ErrorCode) > 6 || strings.Trim(r.ProviderStatus, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("got %+v", r)
		}
	})
}

func FuzzParseInbound(f *testing.F) {
	f.Add([]byte(inboundB))
	f.Add([]byte("MessageSid=" + sid + "&From=A&To=B&OptOutType=HELP"))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := twilio.ParseInbound(body)
		if err == nil && (in.Text.From == "" || in.Text.To == "" || len(in.Text.ProviderMessageID) != 34) {
			t.Errorf("got %+v", in)
		}
	})
}

func TestSecretsPrintAsStars(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := twilio.Config{AuthToken: "hush"}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", c.AuthToken, "config", c.AuthToken)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", c.AuthToken, c, c, c.AuthToken, c.AuthToken, c.AuthToken), log.String()} {
		if strings.Contains(shown, "hush") || strings.Contains(shown, "68757368") || !strings.Contains(shown, "***") {
			t.Errorf("shown as %s", shown)
		}
	}
}
