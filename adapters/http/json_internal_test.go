package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/commands"
)

func TestEveryEscapeIsReadAsEncodingJSONReadsIt(t *testing.T) {
	for _, document := range []string{
		`"plain"`, `""`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u00E9\uFFfd"`, `"a\ud83d\ude00b"`, `"é😀"`, `"\u0000"`,
	} {
		var got, want string
		if err := decodeJSON([]byte(document), func(d *decoder) error { return d.string(&got) }); err != nil {
			t.Errorf("%s: %v", document, err)
		}
		if err := json.Unmarshal([]byte(document), &want); err != nil || got != want {
			t.Errorf("%s is read as %q, want %q", document, got, want)
		}
	}
}

func TestWhatIsNoStringIsNeverReadAsOne(t *testing.T) {
	for _, document := range []string{
		``, `"`, `"\`, `"\"`, `"\u"`, `"\u12"`, `"\u12g4"`, "\"\\u\x10\x11\x12\x13\"", `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ude00"`,
		"\"\x1f\"", "\"\xff\"", "\"\\n\xff\"", `"a" "b"`, `"a",`, `true`, `{}`,
	} {
		var s string
		if err := decodeJSON([]byte(document), func(d *decoder) error { return d.string(&s) }); err == nil {
			t.Errorf("%q is read as %q", document, s)
		}
	}
}

func TestSkippingEndsBehindTheValue(t *testing.T) {
	for _, value := range []string{
		`1`, `-1.5e+3`, `true`, `null`, `"a"`, `"]\"}\\"`, `[]`, `{}`, `[1,[2,{"a":["]"]}],"x"]`, `{"a":{"b":[{}]},"c":null}`,
	} {
		for _, rest := range []string{`,7`, `]`, ` }`, "\n"} {
			d := &decoder{data: []byte("  " + value + rest)}
			d.skip()
			if got := string(d.data[d.at:]); got != rest {
				t.Errorf("behind %s comes %q, want %q", value, got, rest)
			}
		}
	}
}

func FuzzWhatIsReadIsWhatEncodingJSONReads(f *testing.F) {
	f.Add([]byte(`{"to":"+14155552671","body":"h\u00e9llo","metadata":{"a":"b"}}`))
	f.Add([]byte(`{"to":"\ud83d\ude00","lane":"high"} `))
	f.Add([]byte(`{"a":[1,{"b":null}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		var got commands.Send
		err := decodeJSON(document, func(d *decoder) error { return readSend(d, &got) })
		if !json.Valid(document) && err == nil {
			t.Fatal("malformed, and read")
		}
		if err != nil {
			if r, ok := errors.AsType[*refusal](err); !ok || r.fault == nil {
				t.Fatalf("refused by %v, which points at nothing", err)
			}
			return
		}
		var want struct {
			To, Body, From, Lane, Kind, Reference string
			Metadata                              map[string]string
		}
		if err := json.Unmarshal(document, &want); err != nil {
			t.Fatalf("encoding/json refuses what was read: %v", err)
		}
		if got.To != want.To || got.Body != want.Body || got.From != want.From || got.Lane != want.Lane ||
			got.Kind != want.Kind || got.Reference != want.Reference || len(got.Metadata) != len(want.Metadata) {
			t.Errorf("read %+v, want %+v", got, want)
		}
	})
}

func FuzzABatchNeverLosesOrInventsItems(f *testing.F) {
	f.Add([]byte(`{"messages":[{"to":"a","body":"b"},{"x":[{}]},7,{"to":1,"body":"]"}]}`))
	f.Add([]byte(`{"messages":[[],"]",{}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		var b batch
		if err := decodeJSON(document, b.read); err != nil {
			return
		}
		var want struct{ Messages []json.RawMessage }
		if err := json.Unmarshal(document, &want); err != nil {
			t.Fatalf("encoding/json refuses what was read: %v", err)
		}
		if b.items != len(want.Messages) || len(b.sends)+len(b.refused) != b.items {
			t.Errorf("%d items, %d read, %d refused, want %d", b.items, len(b.sends), len(b.refused), len(want.Messages))
		}
	})
}

func BenchmarkReadSend(b *testing.B) {
	body := []byte(`{"to":"+14155552671","body":"Your code is 123456. It is good for ten minutes.","lane":"high","reference":"order-7","metadata":{"shop":"12"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var m commands.Send
		if err := decodeJSON(body, func(d *decoder) error { return readSend(d, &m) }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadBatch(b *testing.B) {
	item := `{"to":"+14155552671","body":"Your code is 123456. It is good for ten minutes."}`
	body := []byte(`{"messages":[` + strings.Repeat(item+",", maxItems-1) + item + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var read batch
		if err := decodeJSON(body, read.read); err != nil {
			b.Fatal(err)
		}
	}
}
