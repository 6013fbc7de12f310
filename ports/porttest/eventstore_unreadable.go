package porttest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// UnreadableEvents holds a store to what it promises of events that cannot be read.
// spoil writes `[]` in the place of the payload at a position of the store that open
// has returned.
func UnreadableEvents(t *testing.T, open func(*testing.T) (store ports.EventStore, spoil func(position int64))) {
	t.Run("an event that cannot be read keeps no other from being read", func(t *testing.T) {
		store, spoil := open(t)
		appendAll(t, store, write("a", 0, 2), write("b", 0, 1))
		want := readLog(t, store)
		spoil(2)
		check := func(what string, got, want []events.Recorded, err error) {
			t.Helper()
			if !errors.Is(err, events.ErrUnreadable) || len(got) != len(want) {
				t.Fatalf("%s = %d events, %v; want %d and why one of them cannot be read", what, len(got), err, len(want))
			}
			for i := range want {
				fault := got[i].Unreadable()
				if (fault != nil) != (want[i].Position == 2) {
					t.Errorf("%s: position %d: %v", what, want[i].Position, fault)
				}
				if fault != nil { // all else of it is there
					got[i].Data, got[i].RawData = want[i].Data, want[i].RawData
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		page, err := store.Read(t.Context(), 0, 10)
		check("Read", page, want, err)
		stream, err := store.Load(t.Context(), "a")
		check("Load", stream, want[:2], err)
		streams, err := store.LoadMany(t.Context(), []string{"a", "b"})
		check("LoadMany", append(streams["a"], streams["b"]...), want, err)

		if got := load(t, store, "b"); len(got) != 1 {
			t.Errorf("Load of another stream = %d events", len(got))
		}
		if page, err := store.Read(t.Context(), 2, 10); err != nil || len(page) != 1 {
			t.Errorf("Read after it = %d events, %v", len(page), err)
		}
	})
}
