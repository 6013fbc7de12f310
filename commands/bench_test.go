package commands

import (
	"fmt"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
)

// BenchmarkSend is the whole of an intake but HTTP and the disk: validation, ids
// and the append to a store in memory, alone and as concurrent as the API.
func BenchmarkSend(b *testing.B) {
	request := Send{To: "+14155552671", Body: "Your code is 123456. It expires in ten minutes.", Reference: "order-1"}
	handler := func() *Handler {
		return &Handler{Store: &memory.EventStore{}, Lookup: Lookup("0123456789abcdef0123456789abcdef")}
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		h := handler()
		for b.Loop() {
			if _, err := h.Send(b.Context(), caller, request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("validation only", func(b *testing.B) {
		b.ReportAllocs()
		h := handler()
		for b.Loop() {
			if _, err := h.validate(request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("in parallel", func(b *testing.B) {
		b.ReportAllocs()
		h := handler()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := h.Send(b.Context(), caller, request); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("in parallel, group commit, idempotency keys", func(b *testing.B) {
		b.ReportAllocs()
		h := handler()
		h.Store = &GroupCommit{EventStore: h.Store}
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for n := 0; pb.Next(); n++ {
				r := request
				r.IdempotencyKey = fmt.Sprintf("%p-%d", pb, n)
				if _, err := h.Send(b.Context(), caller, r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// BenchmarkClaim is the claim of a whole frame, on a store in memory.
func BenchmarkClaim(b *testing.B) {
	w := newWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		work := w.accept(64)
		b.StartTimer()
		if claims, err := w.dispatcher.claim(b.Context(), work, &kept{}); err != nil || len(claims) != len(work) {
			b.Fatalf("%d claims, %v", len(claims), err)
		}
	}
}
