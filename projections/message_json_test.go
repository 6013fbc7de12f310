package projections

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every field of a row is drawn, those of later builds, too.
func TestAMessageIsWrittenAsJSONWritesIt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var m Message
		draw(r, reflect.ValueOf(&m).Elem())
		want, err := json.Marshal(m)
		if err != nil {
			r.Fatal(err)
		}
		if got, err := m.appendJSON(nil); err != nil || string(got) != string(want) {
			r.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	})
}

func draw(r *rapid.T, v reflect.Value) {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,9}`), rapid.StringMatching(`\x1a[\x1a|a-z0-9]{0,9}`), rapid.Just("\xff<&>\u2028"))
	if v.Type() == reflect.TypeFor[time.Time]() {
		at := time.Unix(rapid.Int64Range(0, 1<<32).Draw(r, "s"), rapid.Int64Range(0, 999_999_999).Draw(r, "ns")).UTC()
		v.Set(reflect.ValueOf(at.Truncate(time.Duration(rapid.SampledFrom([]int64{1, 1000, 1_000_000_000}).Draw(r, "unit")))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts.Draw(r, "text"))
	case reflect.Int:
		v.SetInt(int64(rapid.Int().Draw(r, "number")))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(r, "bool"))
	case reflect.Pointer:
		if rapid.Bool().Draw(r, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(r, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 2).Draw(r, "length"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				draw(r, v.Index(i))
			}
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(rapid.MapOfN(texts, texts, 0, 3).Draw(r, "map")))
	case reflect.Struct:
		for i := range v.NumField() {
			draw(r, v.Field(i))
		}
	default:
		r.Fatalf("a field of type %s: appendJSON has to be taught it, and this test", v.Type())
	}
}

func BenchmarkMessageJSON(b *testing.B) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 123456000, time.UTC)
	m := Message{
		ID: "msg_01a2115e029a707b81e9a50e9a754291", Status: "dispatched", To: "\x1a|0123456789abcdef/1||consent_0123456789abcdef|c2VhbGVk",
		Body: "\x1a|0123456789abcdef/1|2026-11-25||c2VhbGVkc2VhbGVk", Encoding: "GSM-7", Segments: 1, Lane: "normal", Kind: "transactional",
		Attempts: []Attempt{{Attempt: 1, Provider: "twilio", Outcome: "sent", ProviderMessageID: "SM00000000000000000000000000000000", StartedAt: at, FinishedAt: &at}},
		Provider: "twilio", CreatedAt: at, UpdatedAt: at, Since: at, Version: 3, Tenant: "acme", Consent: "consent_0123456789abcdef",
	}
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("appendJSON", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := document(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
