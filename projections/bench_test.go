package projections

import (
	"fmt"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
)

// BenchmarkHandle is a frame of 100 events about 25 messages, decoded and applied to
// views in memory.
func BenchmarkHandle(b *testing.B) {
	const frames, size = 200, 100
	h := newHouse()
	for i := range frames * size / 4 {
		h.append(b, fmt.Sprint("msg_", i), acceptedNow, attempted, sent, events.MessageDelivered{ProviderStatus: "delivered"})
	}
	var feed []*message.Message
	for i := range int64(frames) {
		feed = append(feed, h.frame(b, i*size+1, (i+1)*size))
	}
	b.ReportAllocs()
	handled := 0
	for b.Loop() {
		if handled%frames == 0 {
			h.runner = h.newRunner(&memory.Views{})
		}
		if err := h.runner.Handle(feed[handled%frames]); err != nil {
			b.Fatal(err)
		}
		handled++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(handled*size), "ns/event")
}
