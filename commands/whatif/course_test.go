package whatif_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/commands/whatif"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestWhatCameFromOutsideStaysUnderAnotherPolicy(t *testing.T) {
	marketing := events.MessageAccepted{Lane: "normal", Kind: "marketing"}
	normal := events.MessageAccepted{Lane: "normal"}
	sent := func(h *history, attempt int) domain.Command {
		m, _ := h.message("msg_1")
		return domain.Receipt{Provider: m.MadeBy(attempt), Attempt: attempt, ProviderMessageID: "SM", ProviderStatus: "sent", At: h.now}
	}
	for _, tt := range []struct {
		name    string
		happens func(*history)
		change  func(*whatif.Policy)
		ends    string
		unknown string
	}{
		{"a text that was called back before its hours", func(h *history) {
			h.pass(9 * time.Hour) // 21:00
			h.do("msg_1", domain.Accept{Text: marketing})
			h.claim("msg_1", 0)
			h.pass(time.Hour)
			h.do("msg_1", domain.Cancel{By: "key:1"})
			h.later()
		}, func(p *whatif.Policy) { p.Quiet = hours("10:00-20:00") }, "canceled", ""},
		{"an opt-out found later than the text would go", func(h *history) {
			h.pass(9 * time.Hour)
			h.do("msg_1", domain.Accept{Text: marketing})
			h.claim("msg_1", 0)
			h.pass(12 * time.Hour)
			h.do("msg_1", domain.Claim{Attempt: 1, OptedOut: true, Now: h.now})
			h.later()
		}, func(p *whatif.Policy) { p.Quiet = hours("08:00-20:00") }, "unknown", whatif.UnknownConsent},
		{"a receipt for a doubt that would be held", func(h *history) {
			h.do("msg_1", domain.Accept{Text: normal})
			h.claim("msg_1", 0)
			h.do("msg_1", domain.RecordDoubt{Attempt: 1, Cause: "timeout"})
			h.pass(time.Minute)
			h.settle("msg_1", true, 0.5)
			h.pass(time.Second)
			h.do("msg_1", sent(h, 1))
			h.later()
		}, func(p *whatif.Policy) { p.Resend = func(domain.Lane, bool) bool { return false } }, "dispatched", ""},
		{"a receipt before the next attempt", func(h *history) {
			h.do("msg_1", domain.Accept{Text: normal})
			h.claim("msg_1", 0)
			h.do("msg_1", domain.RecordDoubt{Attempt: 1, Cause: "timeout"})
			h.pass(time.Second)
			h.settle("msg_1", true, 0.5)
			h.pass(20 * time.Second)
			h.do("msg_1", sent(h, 1))
			h.later()
		}, func(p *whatif.Policy) { p.Schedule.Delays = []time.Duration{time.Hour} }, "dispatched", ""},
		{"a dead letter that an operator would not have had", func(h *history) {
			h.p.Candidates = routed("a")
			h.live("msg_1", world{[]string{"not_sent"}, []float64{0.5}}, normal)
			h.do("msg_1", domain.Redrive{By: "ada", ReplayID: "replay_1"})
			h.live("msg_1", world{[]string{"sent"}, []float64{0.5}}, normal)
			h.later()
		}, func(p *whatif.Policy) { p.Schedule.Max = 1 }, "unknown", whatif.UnknownPerson},
		{"an attempt without an answer yet", func(h *history) {
			h.p.Candidates = routed("a")
			h.do("msg_1", domain.Accept{Text: normal})
			h.claim("msg_1", 0)
			h.fail("msg_1", "not_sent", 0, 0.5)
			h.pass(time.Minute)
			h.claim("msg_1", 0)
		}, func(p *whatif.Policy) { p.Schedule.Delays = []time.Duration{time.Second} }, "dispatching", ""},
		{"a log that was set back", func(h *history) {
			h.p.Candidates = routed("a")
			h.do("msg_1", domain.Accept{Text: normal})
			h.claim("msg_1", 0)
			h.fail("msg_1", "not_sent", 0, 0.5)
			h.pass(time.Minute)
			h.do("msg_1", domain.Suspect{ID: "msg_1/2", Provider: "a", Now: h.now})
		}, func(p *whatif.Policy) { p.Schedule.Delays = []time.Duration{time.Second} }, "unknown", whatif.UnknownRestored},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHistory(t)
			tt.happens(h)
			would := h.p
			tt.change(&would)
			r := h.run(h.p, would, 0)
			if r.Unreproduced > 0 || r.Changed != 1 || r.Statuses.Would[tt.ends] != 1 || tt.unknown != "" && r.Unknown[tt.unknown] != 1 {
				t.Errorf("want %s %q: %+v", tt.ends, tt.unknown, r)
			}
		})
	}
}

// Whatever happened, another policy comes to one end for each text.
func TestEveryTextEndsOnceUnderAnyPolicy(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t)
		h.accept(r, "msg_1")
		for range rapid.IntRange(0, 25).Draw(r, "steps") {
			h.pass(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, 3 * time.Hour}).Draw(r, "pause"))
			h.step(r, "msg_1")
		}
		would := policy()
		would.Schedule.Max = rapid.IntRange(0, 4).Draw(r, "max")
		would.Schedule.Delays = []time.Duration{time.Duration(rapid.IntRange(0, 7200).Draw(r, "delay")) * time.Second}
		would.Candidates = routed(rapid.SampledFrom([][]string{{"a"}, {"b", "a"}, {"c"}}).Draw(r, "providers")...)
		would.Quiet = hours(rapid.SampledFrom([]string{"09:00-20:00", "13:00-14:00", "00:00-24:00"}).Draw(r, "hours"))
		report := h.run(policy(), would, 0)
		ends := 0
		for _, n := range report.Statuses.Would {
			ends += n
		}
		if report.Unreproduced > 0 || ends != 1 || report.Statuses.Would["unknown"] != len(report.Unknown) {
			r.Fatalf("%+v", report)
		}
	})
}
