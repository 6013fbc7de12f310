package commands

import (
	"slices"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// says is a text to us that Twilio does not answer.
func says(id, body string) Inbound {
	in := stop(id)
	in.Text.Body = events.Personal(body)
	return in
}

// replies returns what was accepted as an answer, for the dispatcher.
func (w *world) replies() (work []ports.Work, texts []events.MessageAccepted) {
	w.t.Helper()
	log, err := w.sealer.Read(w.t.Context(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range log {
		if text, ok := e.Data.(events.MessageAccepted); ok && e.Meta.Actor == "provider:twilio" {
			work, texts = append(work, ports.Work{MessageID: e.StreamID, Attempt: 1}), append(texts, text)
		}
	}
	return work, texts
}

func TestAnOptOutIsConfirmedOnceAndBlocksEverythingElse(t *testing.T) {
	w := newWorld(t)
	w.handler.Texted = texted("acme", "other")
	w.handler.Replies.OptOut = "You get no more texts."
	before := w.accept(1)
	for range 3 { // as Twilio repeats what it has no answer to
		if err := w.handler.ReceiveText(t.Context(), says("SM1", "please stop texting me")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.handler.ReceiveText(t.Context(), says("SM2", "stop texting me!!")); err != nil { // is out already
		t.Fatal(err)
	}
	work, texts := w.replies()
	if len(texts) != 1 {
		t.Fatalf("%d confirmations, want one: of one tenant", len(texts))
	}
	if got := texts[0]; got.To != "+14155552671" || got.From != "+15005550006" || got.Body != "You get no more texts." || got.ExpiresAt == nil {
		t.Errorf("confirmed by %+v", got)
	}
	after := w.accept(1)
	w.carry(slices.Concat(before, work, after)...)
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched")
	w.expect(before[0].MessageID, "message.accepted", "message.opted_out")
	w.expect(after[0].MessageID, "message.accepted", "message.opted_out")
}

func TestAConfirmationIsBlockedByEveryOtherOptOut(t *testing.T) {
	for name, meanwhile := range map[string]func(*world) error{
		"a later one": func(w *world) error {
			if err := w.handler.OptIn(t.Context(), caller, "+14155552671"); err != nil {
				return err
			}
			return w.handler.OptOut(t.Context(), caller, "+14155552671")
		},
		"one towards every tenant": func(w *world) error {
			return w.handler.OptOut(t.Context(), Caller{Tenant: EveryTenant, Actor: "operator:ada"}, "+14155552671")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.handler.Texted = texted("acme")
			w.handler.Replies.OptOut = "You get no more texts."
			if err := w.handler.ReceiveText(t.Context(), says("SM1", "remove me")); err != nil {
				t.Fatal(err)
			}
			if err := meanwhile(w); err != nil {
				t.Fatal(err)
			}
			work, _ := w.replies()
			w.carry(work...)
			if len(work) != 1 {
				t.Fatalf("%d confirmations", len(work))
			}
			w.expect(work[0].MessageID, "message.accepted", "message.opted_out")
		})
	}
}

// Whenever the store goes away, the repeat of the report confirms what the first did.
func TestAConfirmationIsNotLostWithTheReport(t *testing.T) {
	for failing := range 3 { // the appends: consent, confirmation, text
		w := newWorld(t)
		w.handler.Texted = texted("acme")
		w.handler.Replies.OptOut = "You get no more texts."
		w.handler.Store = &failingAppend{EventStore: w.sealer, at: failing}
		if err := w.handler.ReceiveText(t.Context(), says("SM1", "remove me")); err == nil {
			t.Errorf("append %d failed unseen", failing)
		}
		if err := w.handler.ReceiveText(t.Context(), says("SM1", "remove me")); err != nil {
			t.Error(err)
		}
		if _, texts := w.replies(); len(texts) != 1 {
			t.Errorf("append %d failed: %d confirmations", failing, len(texts))
		}
	}
}

func TestWhatIsAnsweredAndByWhom(t *testing.T) {
	for _, tt := range []struct {
		name    string
		in      Inbound
		tenants []string
		before  domain.Command // of the consent towards acme
		want    string         // empty: nothing
	}{
		{"an opt-out in free text", says("SM1", "please stop"), []string{"acme"}, nil, "acme stops"},
		{"a keyword of our own", says("SM1", "ABMELDEN"), []string{"acme"}, nil, "acme stops"},
		{"help", says("SM1", "Help!"), []string{"acme"}, nil, "acme helps"},
		{"of a tenant without texts of its own", says("SM1", "info"), []string{"other"}, nil, "we help"},
		{"of a tenant that wants none", says("SM1", "please stop"), []string{"silent"}, nil, ""},
		{"of the first tenant that answers", says("SM1", "please stop"), []string{"silent", "acme", "other"}, nil, "acme stops"},
		{"what Twilio answers", Inbound{Text: stop("SM1").Text, Provider: "twilio", Answered: true}, []string{"acme"}, nil, ""},
		{"a text that asks for nothing", says("SM1", "thanks"), []string{"acme"}, nil, ""},
		{"texts again", says("SM1", "START"), []string{"acme"}, nil, ""},
		{"a text that is nobody's", says("SM1", "please stop"), nil, nil, ""},
		{"an opt-out that holds already", says("SM1", "please stop"), []string{"acme"}, domain.OptOut{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.handler.Texted = texted(tt.tenants...)
			w.handler.Replies = Replies{Reply{"we stop", "we help"}, map[string]Reply{"acme": {"acme stops", "acme helps"}, "silent": {}}}
			if tt.before != nil {
				if err := w.handler.OptOut(t.Context(), caller, "+14155552671"); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.handler.ReceiveText(t.Context(), tt.in); err != nil {
				t.Fatal(err)
			}
			_, texts := w.replies()
			var got string
			for _, text := range texts {
				got += string(text.Body)
			}
			if got != tt.want {
				t.Errorf("answered %q, want %q", got, tt.want)
			}
		})
	}
}
