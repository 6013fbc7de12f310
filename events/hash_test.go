package events_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

func hash(t *testing.T, digits string) events.Hash {
	t.Helper()
	var h events.Hash
	if err := h.UnmarshalText([]byte(digits)); err != nil {
		t.Fatal(err)
	}
	return h
}

// The answers were computed by other means (Python's hashlib). Logs hold such hashes: if
// this test fails, it is the code that is wrong.
func TestHashesAreThoseInTheLogs(t *testing.T) {
	recorded := events.Recorded{
		Position: 42, StreamID: "msg_1", Version: 3, Type: "message.attempted", Schema: 1,
		RawData:    []byte(`{"attempt":1,"attempt_id":"msg_1/1","provider":"twilio"}`),
		RawMeta:    []byte(`{"tenant":"acme","actor":"dispatcher"}`),
		RecordedAt: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC),
	}
	content := hash(t, "9b98bebc802d939378b11051badbc074fb76885eab4b94d745396a012624f0c2")
	row := hash(t, "4db40d842ff67988e062a39c9b890f1a4288169a2e6c834fd93949a371e0f9d2")
	for _, tt := range []struct {
		name      string
		got, want events.Hash
	}{
		{"content", events.ContentDigest("msg_1", 3, "message.attempted", 1, recorded.RawData, recorded.RawMeta), content},
		{"row", events.RowDigest(content, 42, recorded.RecordedAt), row},
		{"row, from the envelope", recorded.ComputeDigest(), row},
		{"row, in another zone", events.RowDigest(content, 42, recorded.RecordedAt.In(time.FixedZone("", 3600))), row},
		{"content of nothing", events.ContentDigest("", 0, "", 0, nil, nil), hash(t, "17b0761f87b081d5cf10757ccc89f12be355c70e2e29df288b65b30710dcbcd1")},
		{"first link, of one row", events.Link(events.Hash{}, row), hash(t, "2a2dc3b2ae6f6e998b86e2e89ad33a81c5fce90c71839806179c24a2f9b93dcb")},
		{"next link, of two", events.Link(events.Link(events.Hash{}, row), row, content), hash(t, "8b397d380f967895b5eb970b508896e5387b3a7b5edeab848126c0f2eeddf4b2")},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestEveryFieldChangesTheDigest(t *testing.T) {
	base := events.Recorded{Position: 1, StreamID: "ab", Version: 1, Type: "c", Schema: 1, RawData: []byte("{}"), RawMeta: []byte("{}"), RecordedAt: time.Unix(1, 0)}
	for name, change := range map[string]func(*events.Recorded){
		"position":                  func(r *events.Recorded) { r.Position++ },
		"stream":                    func(r *events.Recorded) { r.StreamID = "ac" },
		"version":                   func(r *events.Recorded) { r.Version++ },
		"type":                      func(r *events.Recorded) { r.Type = "d" },
		"schema":                    func(r *events.Recorded) { r.Schema++ },
		"data":                      func(r *events.Recorded) { r.RawData = []byte("{ }") },
		"meta":                      func(r *events.Recorded) { r.RawMeta = []byte("{ }") },
		"recorded_at":               func(r *events.Recorded) { r.RecordedAt = r.RecordedAt.Add(time.Microsecond) },
		"a byte moved to the next":  func(r *events.Recorded) { r.StreamID, r.Type = "a", "bc" },
		"version and schema change": func(r *events.Recorded) { r.Version, r.Schema = 0, 2 },
	} {
		changed := base
		change(&changed)
		if changed.ComputeDigest() == base.ComputeDigest() {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

func TestHashesReadWhatTheyWrite(t *testing.T) {
	h := events.Hash{1, 2, 3, 255}
	text, err := h.MarshalText()
	if err != nil || hash(t, string(text)) != h || hash(t, `\x`+string(text)) != h || string(text) != h.String() {
		t.Errorf("%s is read as another hash, %v", text, err)
	}
	if got, err := events.HashOf(h[:]); got != h || err != nil {
		t.Errorf("HashOf = %s, %v", got, err)
	}
	if _, err := events.HashOf(h[1:]); err == nil {
		t.Error("HashOf takes 31 bytes")
	}
	digits := strings.Repeat("0", 64)
	for _, text := range []string{"", `\x`, digits[1:], digits + "0", digits[2:] + "0g", `\\` + digits[2:]} {
		var h events.Hash
		if h.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is read as a hash", text)
		}
	}
}
