package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

// golden is one shape that was ever written, testdata/<type>.<schema>.json; a shape
// that has gained an optional field since is <type>.<schema>+<field>.json. Such a
// file is never edited: what it says stands in logs.
type golden struct {
	eventType string
	schema    int
	data      []byte
}

func goldens(t testing.TB) []golden {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("finding golden events: %d, %v", len(paths), err)
	}
	var all []golden
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		name, _, _ = strings.Cut(name, "+")
		dot := strings.LastIndexByte(name, '.')
		schema, err := strconv.Atoi(name[dot+1:])
		if err != nil {
			t.Fatalf("%s is not named <type>.<schema>.json", path)
		}
		all = append(all, golden{name[:dot], schema, bytes.TrimSuffix(data, []byte("\n"))})
	}
	return all
}

func (g golden) decode(t testing.TB) events.Event {
	t.Helper()
	e, err := events.Decode(g.eventType, g.schema, g.data)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEveryShapeEverWrittenHasAGoldenEvent(t *testing.T) {
	have := map[string]bool{}
	for _, g := range goldens(t) {
		have[fmt.Sprint(g.eventType, ".", g.schema)] = true
		if newest, ok := events.Catalogue()[g.eventType]; !ok || g.schema < 1 || g.schema > newest {
			t.Errorf("%s.%d.json is of no shape in the catalogue", g.eventType, g.schema)
		}
	}
	for eventType, newest := range events.Catalogue() {
		for schema := 1; schema <= newest; schema++ {
			if !have[fmt.Sprint(eventType, ".", schema)] {
				t.Errorf("testdata/%s.%d.json is missing", eventType, schema)
			}
		}
	}
}

func TestGoldenEventsDecodeAndEncodeToTheSameBytes(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(fmt.Sprint(g.eventType, ".", g.schema), func(t *testing.T) {
			e := g.decode(t)
			if e.EventType() != g.eventType {
				t.Fatalf("decoded as %s", e.EventType())
			}
			if _, ok := e.(events.Unknown); ok {
				t.Fatal("decoded as unknown")
			}
			data, schema, err := events.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			if schema == g.schema && !bytes.Equal(data, g.data) {
				t.Errorf("encoded as\n%s\nwant\n%s", data, g.data)
			}
		})
	}
}

// A field that a golden event lacks could be renamed unnoticed.
func TestGoldenEventsOfTodaySetEveryField(t *testing.T) {
	set := map[string]bool{}
	for _, g := range goldens(t) {
		if g.schema == events.Catalogue()[g.eventType] {
			v := reflect.ValueOf(g.decode(t))
			for i := range v.NumField() {
				name := g.eventType + " " + v.Type().Field(i).Name
				set[name] = set[name] || !v.Field(i).IsZero()
			}
		}
	}
	for field, is := range set {
		if !is {
			t.Errorf("no golden event sets %s", field)
		}
	}
}

func TestWhatANewerBuildWroteIsUnknown(t *testing.T) {
	for eventType, newest := range events.Catalogue() {
		e, err := events.Decode(eventType, newest+1, []byte("a shape of tomorrow"))
		if err != nil || e != (events.Unknown{Type: eventType}) {
			t.Errorf("Decode(%s, %d) = %+v, %v", eventType, newest+1, e, err)
		}
	}
	e, err := events.Decode("message.blessed", 1, []byte(`{}`))
	if err != nil || e != (events.Unknown{Type: "message.blessed"}) {
		t.Errorf("Decode of an unknown type = %+v, %v", e, err)
	}
}

func TestTheUnknownIsNeverWritten(t *testing.T) {
	for _, e := range []events.Event{events.Unknown{Type: "message.blessed"}, events.Unknown{Type: "message.accepted"}} {
		if data, _, err := events.Encode(e); err == nil {
			t.Errorf("Encode(%+v) = %s", e, data)
		}
		if _, err := events.Prepare("msg_1", 1, e, events.Meta{}); err == nil {
			t.Errorf("Prepare(%+v) succeeds", e)
		}
	}
}

func TestDecodeRefusesWhatItCannotReadWithoutQuotingIt(t *testing.T) {
	for _, tt := range []struct {
		name, eventType string
		schema          int
		data            string
	}{
		{"no JSON", "message.accepted", 1, `+14155552671`},
		{"nothing", "message.accepted", 1, ``},
		{"another type", "message.accepted", 1, `{"to":14155552671}`},
		{"a duration that is none", "message.retried", 1, `{"delay":"+14155552671"}`},
		{"a hash that is none", "key.issued", 1, `{"hash":"14155552671"}`},
		{"schema 0", "message.accepted", 0, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := events.Decode(tt.eventType, tt.schema, []byte(tt.data))
			if err == nil || strings.Contains(err.Error(), "4155552671") {
				t.Errorf("Decode = %+v, %v", e, err)
			}
		})
	}
}

func TestEarlierSchemasAreUpcastStepByStep(t *testing.T) {
	replace := func(from, to string) func(json.RawMessage) (json.RawMessage, error) {
		return func(data json.RawMessage) (json.RawMessage, error) {
			if !bytes.Contains(data, []byte(from)) {
				return nil, fmt.Errorf("no %s in %s", from, data)
			}
			return bytes.ReplaceAll(data, []byte(from), []byte(to)), nil
		}
	}
	defer events.Upcast("message.canceled", replace("whom", "who"), replace("who", "by"))()
	for schema, data := range map[int]string{1: `{"whom":"ada"}`, 2: `{"who":"ada"}`, 3: `{"by":"ada"}`} {
		e, err := events.Decode("message.canceled", schema, []byte(data))
		if err != nil || e != (events.MessageCanceled{By: "ada"}) {
			t.Errorf("Decode of schema %d = %+v, %v", schema, e, err)
		}
	}
	if e, err := events.Decode("message.canceled", 1, []byte(`"+14155552671"`)); err == nil || strings.Contains(err.Error(), "4155552671") {
		t.Errorf("Decode = %+v, %v", e, err)
	}
	if _, schema, err := events.Encode(events.MessageCanceled{}); schema != 3 || err != nil {
		t.Errorf("Encode writes schema %d, %v", schema, err)
	}
}

func TestATimeThatJSONCannotHoldIsAnErrorOfEncode(t *testing.T) {
	e := events.MessageExpired{ExpiresAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	if data, _, err := events.Encode(e); err == nil {
		t.Errorf("Encode = %s", data)
	}
}
