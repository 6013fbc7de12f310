package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/postgres"
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
