package commands

import (
	"errors"
	"slices"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

var doubtful = []events.Event{
	text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "fake"}, events.MessageInDoubt{Attempt: 1, Provider: "fake", Cause: "timeout"},
}

func TestADoubtIsResolvedWithTheNameOfWhoDidIt(t *testing.T) {
	for verdict, want := range map[string][]string{
		"sent":    {"message.reconciled"},
		"resend":  {"message.reconciled", "message.redriven"},
		"give_up": {"message.reconciled", "message.dead_lettered", "message.discarded"},
	} {
		w := newWorld(t)
		w.record("msg_1", doubtful...)
		request := Resolve{Verdict: verdict, Reason: "asked them"}
		if verdict == "sent" {
			request.ProviderMessageID = "SM1"
		}
		if err := w.handler.Resolve(t.Context(), Caller{Actor: "operator:ada"}, "msg_1", request); err != nil {
			t.Fatalf("%s: %v", verdict, err)
		}
		if got := w.types("msg_1")[3:]; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", verdict, got, want)
		}
		recorded, err := w.store.Load(t.Context(), "msg_1")
		if err != nil {
			t.Fatal(err)
		}
		if meta := recorded[3].Meta; meta.Actor != "operator:ada" || meta.Reason != "asked them" || meta.CausationID != "msg_1:3" {
			t.Errorf("%s: %+v", verdict, meta)
		}
		if found := recorded[3].Data.(events.MessageReconciled); found.Evidence != domain.EvidenceOperator {
			t.Errorf("%s: %+v", verdict, found)
		}
		if err := w.handler.Resolve(t.Context(), caller, "msg_1", request); !errors.Is(err, domain.ErrNotInDoubt) {
			t.Errorf("%s twice: %v", verdict, err)
		}
	}
}

func TestAResolutionThatCannotBeMadeIsRefused(t *testing.T) {
	w := newWorld(t)
	w.record("msg_1", doubtful...)
	for pointer, request := range map[string]Resolve{
		"/reason":              {Verdict: "resend"},
		"/verdict":             {Verdict: "perhaps", Reason: "x"},
		"/provider_message_id": {Verdict: "sent", Reason: "x"},
	} {
		var invalid Invalid
		if err := w.handler.Resolve(t.Context(), caller, "msg_1", request); !errors.As(err, &invalid) || invalid[0].Pointer != pointer {
			t.Errorf("%+v: %v, want it at %s", request, err, pointer)
		}
	}
	var invalid Invalid
	if err := w.handler.Resolve(t.Context(), caller, "msg_1", Resolve{Verdict: "give_up", ProviderMessageID: "SM1", Reason: "x"}); !errors.As(err, &invalid) {
		t.Errorf("an id without use: %v", err)
	}
	good := Resolve{Verdict: "resend", Reason: "x"}
	for name, refused := range map[string]struct {
		caller Caller
		id     string
	}{"another's": {Caller{Tenant: "other"}, "msg_1"}, "none": {caller, "msg_9"}} {
		if err := w.handler.Resolve(t.Context(), refused.caller, refused.id, good); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
