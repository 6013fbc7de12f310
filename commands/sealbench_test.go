package commands

import (
	"fmt"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// BenchmarkSeal is what sealing one text costs before it is appended.
func BenchmarkSeal(b *testing.B) {
	for _, people := range []int{1, 1 << 30} {
		b.Run(map[bool]string{true: "a known person", false: "a new person"}[people == 1], func(b *testing.B) {
			b.ReportAllocs()
			w := ports.Write{StreamID: "msg_01a2115e029a707b81e9a50e9a754291", Meta: events.Meta{Tenant: "acme"}}
			s := newSealer(&memory.EventStore{})
			s.init()
			for n := 0; b.Loop(); n++ {
				w.Events = []events.Event{events.MessageAccepted{
					To: events.Personal(fmt.Sprintf("+1415%07d", n%people)), From: "+15005550006", Body: "Your code is 123456. It expires in ten minutes.",
				}}
				if _, err := s.seal(b.Context(), w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnseal is what reading one text costs more where it is sealed.
func BenchmarkUnseal(b *testing.B) {
	b.ReportAllocs()
	store := &memory.EventStore{}
	h := instance(store)
	sent, err := h.Send(b.Context(), caller, Send{To: "+14155552671", From: "+15005550006", Body: "Your code is 123456. It expires in ten minutes."})
	if err != nil {
		b.Fatal(err)
	}
	recorded, err := store.Load(b.Context(), sent.ID)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := h.Sealer.unseal(b.Context(), []events.Recorded{recorded[0]}); err != nil {
			b.Fatal(err)
		}
	}
}
