package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// BenchmarkAppend measures commits to disk: as many writes of one event as
// named to new streams, by as many callers at once. Run it on a quiet machine:
//
//	go test -run '^$' -bench Append -benchtime 3s ./adapters/postgres
func BenchmarkAppend(b *testing.B) {
	for _, writes := range []int{1, 256} {
		for _, callers := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("writes=%d/callers=%d", writes, callers), func(b *testing.B) {
				benchmarkAppend(b, open(b), writes, callers)
			})
		}
	}
}

// BenchmarkClaim measures commits of 256 writes to streams that exist, each of
// which requires another stream.
func BenchmarkClaim(b *testing.B) {
	store := open(b).EventStore()
	for call := range b.N {
		appendStreams(b, store, call, 256)
	}
	b.ResetTimer()
	for call := range b.N {
		batch := make([]ports.Write, 256)
		for i := range batch {
			batch[i] = attempts(streamID(call, i), 1, 1)
			batch[i].Requires = []ports.Require{{StreamID: fmt.Sprintf("consent-%d-%d", call, i)}}
		}
		results, err := store.Append(b.Context(), batch...)
		if err != nil || results[0].Err != nil {
			b.Fatalf("Append: %v, %v", results[0].Err, err)
		}
	}
	b.ReportMetric(float64(b.N*256)/b.Elapsed().Seconds(), "events/s")
}

func streamID(call, i int) string { return fmt.Sprintf("stream-%08d-%03d", call, i) }

func benchmarkAppend(b *testing.B, db *postgres.DB, writes, callers int) {
	store := db.EventStore()
	calls := make(chan int)
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for call := range calls {
				appendStreams(b, store, call, writes)
			}
		})
	}
	b.ResetTimer()
	for call := range b.N {
		calls <- call
	}
	close(calls)
	group.Wait()
	b.ReportMetric(float64(b.N*writes)/b.Elapsed().Seconds(), "events/s")
}

// appendStreams commits one event to each of n new streams.
func appendStreams(b *testing.B, store ports.EventStore, call, n int) {
	batch := make([]ports.Write, n)
	for i := range batch {
		batch[i] = attempts(streamID(call, i), 0, 1)
	}
	results, err := store.Append(b.Context(), batch...)
	if err != nil || results[0].Err != nil {
		b.Errorf("Append: %v", err)
	}
}

// BenchmarkAccept measures what sealing costs: commits of 256 texts by two callers,
// to people who are all new or all known.
func BenchmarkAccept(b *testing.B) {
	for _, how := range []string{"plain", "sealed, known people", "sealed, new people"} {
		b.Run(how, func(b *testing.B) {
			db := open(b)
			var store ports.EventStore = db.EventStore()
			if how != "plain" {
				store = &commands.Sealer{
					EventStore: store, Keyring: db.Keyring(), Lookup: commands.Lookup("0123456789abcdef0123456789abcdef"), Master: commands.Master{Present: make([]byte, 32)},
				}
			}
			accept(b, store, 1<<20, 256, true)
			calls := make(chan int)
			var group sync.WaitGroup
			for range 2 {
				group.Go(func() {
					for call := range calls {
						accept(b, store, call, 256, how == "sealed, known people")
					}
				})
			}
			b.ResetTimer()
			for call := range b.N {
				calls <- call
			}
			close(calls)
			group.Wait()
			b.ReportMetric(float64(b.N*256)/b.Elapsed().Seconds(), "texts/s")
		})
	}
}

// accept commits n texts, to people whom other calls text as well or to new ones.
func accept(b *testing.B, store ports.EventStore, call, n int, known bool) {
	batch := make([]ports.Write, n)
	for i := range batch {
		person := call*n + i
		if known {
			person = i
		}
		batch[i] = ports.Write{StreamID: streamID(call, i), Meta: events.Meta{Tenant: "acme", Actor: "key:bench"}, Events: []events.Event{events.MessageAccepted{
			To: events.Personal(fmt.Sprintf("+1415%07d", person)), From: "+15005550006", Body: "Your code is 123456. It expires in ten minutes.",
			Encoding: "GSM-7", Segments: 1, Lane: "normal", Kind: "transactional", Consent: "consent_0123456789abcdef0123456789abcdef",
		}}}
	}
	results, err := store.Append(b.Context(), batch...)
	if err != nil || results[0].Err != nil {
		b.Errorf("Append: %v", err)
	}
}
