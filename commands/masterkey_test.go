package commands

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
)

func TestTheMasterKeyIsRotatedWhileTextsFlow(t *testing.T) {
	old, fresh := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	for _, from := range []struct {
		name   string
		master []byte
	}{{"from another", old}, {"from none", nil}} {
		t.Run(from.name, func(t *testing.T) {
			store := &memory.EventStore{}
			keyring := store.Keyring()
			with := func(m Master) *Handler {
				lookup, err := OpenLookup(t.Context(), keyring, m)
				if err != nil {
					t.Fatal(err)
				}
				s := &Sealer{EventStore: store, Keyring: keyring, Lookup: lookup, Master: m}
				return &Handler{Store: s, Sealer: s, Lookup: lookup}
			}
			send := func(h *Handler, to string) string {
				t.Helper()
				sent, err := h.Send(t.Context(), caller, Send{To: to, Body: "text"})
				if err != nil {
					t.Fatal(err)
				}
				return sent.ID
			}
			before := with(Master{Present: from.master})
			first := send(before, "+14155552671")
			both := Master{Present: fresh, Previous: from.master}
			during := with(both)
			second := send(during, "+14155552671")
			third := send(during, "+14155552672")
			forgotten, err := before.Forget(t.Context(), caller, "+14155552673")
			if err != nil {
				t.Fatal(err)
			}
			changed, keys, err := Rewrap(t.Context(), keyring, both)
			if err != nil || keys != 4 || changed < 2 { // lookup, a day, two subjects
				t.Errorf("Rewrap = %d of %d, %v", changed, keys, err)
			}
			if changed, _, err := Rewrap(t.Context(), keyring, both); err != nil || changed != 0 {
				t.Errorf("again: %d, %v", changed, err)
			}
			after := with(Master{Present: fresh})
			for id, to := range map[string]string{first: "+14155552671", second: "+14155552671", third: "+14155552672", send(after, "+14155552671"): "+14155552671"} {
				wantText(t, after.Store, id, to, "", "text")
			}
			if again, err := after.Forget(t.Context(), caller, "+14155552673"); err != nil || again != forgotten {
				t.Errorf("forgotten again: %+v, %v", again, err)
			}
			names, err := keyring.Names(t.Context(), "", "", 100)
			if err != nil {
				t.Fatal(err)
			}
			kept, err := keyring.Get(t.Context(), names...)
			if err != nil {
				t.Fatal(err)
			}
			for name, key := range kept {
				if _, err := unwrap(name, key, old); !errors.Is(err, ErrMasterKey) {
					t.Errorf("%s still opens by the key before", name)
				}
			}
		})
	}
}

func TestAnInstanceReadsWhatOthersWrapByAMasterKeyThatItHasYetToTake(t *testing.T) {
	store := &memory.EventStore{}
	old, fresh := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{2}, 32)
	now, secret := time.Now(), old
	before, after := instance(store), instance(store)
	before.Sealer.Master = Master{Present: old, Next: func(context.Context) []byte { return secret }}
	before.Sealer.Now = func() time.Time { return now }
	after.Sealer.Master = Master{Present: fresh, Previous: old}
	send := func(h *Handler, to string) string {
		t.Helper()
		sent, err := h.Send(t.Context(), caller, Send{To: to, Body: "text"})
		if err != nil {
			t.Fatal(err)
		}
		return sent.ID
	}
	first := send(before, "+14155552671")
	second := send(after, "+14155552672") // by a key that is wrapped by fresh
	if _, err := before.Store.Load(t.Context(), second); !errors.Is(err, ErrMasterKey) || !errors.Is(err, events.ErrUnreadable) {
		t.Errorf("while the secret is the old one: %v", err)
	}
	secret = fresh
	wantText(t, before.Store, second, "+14155552672", "", "text")
	third := send(before, "+14155552673")
	kept, err := store.Keyring().Names(t.Context(), subjectPrefix, "", 9)
	if err != nil || len(kept) != 3 {
		t.Fatal(kept, err)
	}
	wrapped, err := store.Keyring().Get(t.Context(), kept...)
	if err != nil {
		t.Fatal(err)
	}
	byOld := 0
	for name, key := range wrapped {
		if _, err := unwrap(name, key, old); err == nil {
			byOld++
		}
	}
	if byOld != 2 {
		t.Errorf("%d of 3 keys are wrapped by the key before, want the two that its instance made", byOld)
	}
	if _, _, err := Rewrap(t.Context(), store.Keyring(), after.Sealer.Master); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * seenFor) // what it holds in memory it asks for again
	for id, to := range map[string]string{first: "+14155552671", second: "+14155552672", third: "+14155552673"} {
		wantText(t, before.Store, id, to, "", "text")
		wantText(t, after.Store, id, to, "", "text")
	}
}

func TestATextIsStillReadWhereItsKeyWasWrappedAnew(t *testing.T) {
	store := &memory.EventStore{}
	old, fresh := Master{Present: bytes.Repeat([]byte{7}, 32)}, Master{Present: bytes.Repeat([]byte{2}, 32), Previous: bytes.Repeat([]byte{7}, 32)}
	h := instance(store)
	sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Rewrap(t.Context(), store.Keyring(), fresh); err != nil {
		t.Fatal(err)
	}
	reader := newSealer(store)
	reader.Master = old
	if _, err := reader.Load(t.Context(), sent.ID); !errors.Is(err, ErrMasterKey) {
		t.Errorf("by the key before alone: %v, want ErrMasterKey and not %s", err, events.Erased)
	}
	reader = newSealer(store)
	reader.Master = fresh
	wantText(t, reader, sent.ID, "+14155552671", "", "text")
}
