package events_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/events"
)

var sealedNumber = events.Sealed{
	Sealed: []byte{0, 1, 2, 0xff}, Subject: "0123456789abcdef0123456789abcdef/1", Day: "2026-11-25", Name: "consent_0123",
}

func TestASealedValueIsAnObjectInJSONAndComesBackTheSame(t *testing.T) {
	p := sealedNumber.Personal()
	data, err := json.Marshal(p)
	want := `{"sealed":"AAEC/w==","subject":"0123456789abcdef0123456789abcdef/1","day":"2026-11-25","name":"consent_0123"}`
	if err != nil || string(data) != want {
		t.Fatalf("Marshal = %s, %v; want %s", data, err, want)
	}
	var back events.Personal
	if err := json.Unmarshal(data, &back); err != nil || string(back) != string(p) || !back.Sealed() {
		t.Errorf("Unmarshal = %q, %v", string(back), err)
	}
	parts, ok := back.Parts()
	if fmt.Sprint(parts) != fmt.Sprint(sealedNumber) || !ok {
		t.Errorf("Parts = %v, %t", parts, ok)
	}
}

func TestAPlainValueIsAStringAndNeverTakenForASealedOne(t *testing.T) {
	for _, text := range []string{"", "+14155552671", "a “text” <b>", "{}", string(sealedNumber.Personal()), "\x1a", "\x1a|", "\x1a\x1a|a|||"} {
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var p events.Personal
		if err := json.Unmarshal(data, &p); err != nil || p.Sealed() {
			t.Errorf("%q is read as %q, %v", text, string(p), err)
		}
		if back, err := json.Marshal(p); err != nil || back[0] != '"' {
			t.Errorf("%q is written as %s, %v", text, back, err)
		}
		if events.Plain(text).Sealed() {
			t.Errorf("Plain(%q) is sealed", text)
		}
	}
}

func TestADamagedSealedValueIsRefusedWithoutQuotingIt(t *testing.T) {
	for _, data := range []string{`{}`, `{"sealed":"?","subject":"a/0"}`, `{"sealed":"","subject":"+14155552671"}`, `{"subject":14155552671}`, `14155552671`} {
		var p events.Personal
		if err := json.Unmarshal([]byte(data), &p); err == nil || strings.Contains(err.Error(), "4155552671") {
			t.Errorf("Unmarshal(%s) = %v", data, err)
		}
	}
}

func TestFieldsAreWhatTheCodecKnowsAsPersonal(t *testing.T) {
	for _, e := range []events.Event{
		events.MessageAccepted{To: "+14155552671", From: "+14155552671", Body: "+14155552671"},
		events.InboundReceived{From: "+14155552671", To: "+14155552671", Body: "+14155552671"},
		events.ConsentOptedOut{Number: "+14155552671"}, events.ConsentOptedIn{Number: "+14155552671"},
	} {
		fields, changed := events.Fields("a", e)
		for _, f := range fields {
			*f.Value = "x"
			data, _, err := events.Encode(changed())
			if err != nil || !strings.Contains(string(data), `"`+f.Name+`":"x"`) {
				t.Errorf("%s of %s: %s, %v", f.Name, e.EventType(), data, err)
			}
		}
		data, _, err := events.Encode(changed())
		if err != nil || strings.Contains(string(data), "4155552671") {
			t.Errorf("changed: %s, %v", data, err)
		}
		if data, _, _ := events.Encode(e); strings.Contains(string(data), `"x"`) {
			t.Errorf("the event itself has changed: %s", data)
		}
	}
}
