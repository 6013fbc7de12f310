package sqlite

import (
	"fmt"
	"testing"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// BenchmarkAppend appends new streams of one event each, with every commit synced.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprintf("%d-per-commit", size), func(b *testing.B) {
			store := open(b).EventStore()
			stream := 0
			for b.Loop() {
				writes := make([]ports.Write, size)
				for i := range writes {
					stream++
					writes[i] = texts(fmt.Sprintf("msg_%016x", uint64(stream)*0x9e3779b97f4a7c15))
				}
				if _, err := store.Append(b.Context(), writes...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(stream)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// texts is a write of one accepted text of ordinary size.
func texts(streamID string) ports.Write {
	return ports.Write{
		StreamID: streamID,
		Events: []events.Event{events.MessageAccepted{
			To: "+15005550006", Body: "Your code is 123456. It is valid for ten minutes.", Encoding: "GSM-7", Segments: 1,
			Lane: "high", Kind: "transactional", Consent: "consent_0123456789abcdef0123456789abcdef",
		}},
		Meta:     events.Meta{Tenant: "acme", Actor: "key:0123456789abcdef", CorrelationID: "0123456789abcdef"},
		Requires: []ports.Require{{StreamID: "consent_" + streamID}},
	}
}

// BenchmarkAccept measures what sealing costs: commits of 64 texts to people who are
// all new or all known.
func BenchmarkAccept(b *testing.B) {
	for _, how := range []string{"plain", "sealed, known people", "sealed, new people"} {
		b.Run(how, func(b *testing.B) {
			db := open(b)
			var store ports.EventStore = db.EventStore()
			if how != "plain" {
				store = &commands.Sealer{
					EventStore: store, Keyring: db.Keyring(), Lookup: commands.Lookup("0123456789abcdef0123456789abcdef"),
					Master: commands.Master{Present: make([]byte, 32)},
				}
			}
			person, stream := 0, 0
			for b.Loop() {
				writes := make([]ports.Write, 64)
				for i := range writes {
					stream++
					if person++; how == "sealed, known people" {
						person = i
					}
					writes[i] = texts(fmt.Sprintf("msg_%016x", uint64(stream)*0x9e3779b97f4a7c15))
					text := writes[i].Events[0].(events.MessageAccepted)
					text.To = events.Personal(fmt.Sprintf("+1415%07d", person))
					writes[i].Events[0], writes[i].Requires = text, nil
				}
				results, err := store.Append(b.Context(), writes...)
				if err != nil || results[0].Err != nil {
					b.Fatal(err, results[0].Err)
				}
			}
			b.ReportMetric(float64(stream)/b.Elapsed().Seconds(), "texts/s")
		})
	}
}
