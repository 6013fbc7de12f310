package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/events"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}

// shown prints and logs v in every way there is.
func shown(v any) string {
	var b bytes.Buffer
	for _, verb := range verbs {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(handler).Info("shown", "value", v, slog.Group("group", "value", v))
		slog.New(handler).With("value", v).Info("shown")
	}
	fmt.Fprintln(&b, fmt.Errorf("wrapping %v: %w", v, fmt.Errorf("cause %s", v)))
	return b.String()
}

func TestPersonalShowsNothingButInItsJSON(t *testing.T) {
	const number = "+14155552671"
	p := events.Personal(number)
	for _, v := range []any{p, &p, []events.Personal{p}, map[string]events.Personal{"to": p}, struct{ To events.Personal }{p}} {
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, "4155552671") || strings.Contains(got, fmt.Sprintf("%x", number)) {
				t.Errorf("%s of %T shows %s", verb, v, got)
			}
		}
	}
	if got := shown(p); strings.Contains(got, "4155552671") || strings.Count(got, "[personal]") < len(verbs)+6 {
		t.Errorf("shown as\n%s", got)
	}
	if p.String() != "[personal]" || string(p) != number {
		t.Errorf("String is %s", p.String())
	}
	stored, err := json.Marshal(p)
	var back events.Personal
	if err != nil || json.Unmarshal(stored, &back) != nil || back != p {
		t.Errorf("stored as %s, %v; read as %s", stored, err, string(back))
	}
}

func TestEventsShowNothingPersonal(t *testing.T) {
	personal := 0
	for _, g := range goldens(t) {
		e := g.decode(t)
		recorded, err := events.Prepare("stream_1", 1, e, events.Meta{})
		if err != nil {
			t.Fatal(err)
		}
		v := reflect.ValueOf(e)
		for i := range v.NumField() {
			secret, ok := v.Field(i).Interface().(events.Personal)
			if !ok {
				continue
			}
			personal++
			for _, value := range []any{e, recorded} {
				got := shown(value)
				for _, form := range []string{string(secret), fmt.Sprintf("%x", string(secret)), strings.Trim(fmt.Sprint([]byte(secret)), "[]")} {
					if strings.Contains(got, form) {
						t.Errorf("%T shows %s:\n%s", value, v.Type().Field(i).Name, got)
					}
				}
			}
		}
	}
	if personal != 16 {
		t.Errorf("%d personal fields were looked at; a new one is covered by its golden event, and counts here", personal)
	}
}
