package porttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/ports"
)

// Keys holds a store and the keyring of its database, which open returns, empty and
// private to each law, to what they promise together.
func Keys(t *testing.T, open func(*testing.T) (ports.EventStore, ports.Keyring)) {
	for _, law := range []struct {
		name  string
		check func(*testing.T, ports.EventStore, ports.Keyring)
	}{
		{"keys are kept with the events that need them, and only then", keysComeWithEvents},
		{"a write that brings another key than the one kept is refused alone", otherKeyIsRefusedAlone},
		{"writes of one call may bring the same key, and not two of one name", keysOfOneCall},
		{"of two that bring their own key at once one is refused", oneKeyWins},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			store, keyring := open(t)
			law.check(t, store, keyring)
		})
	}
}

// bringing returns w with a key.
func bringing(w ports.Write, name, key string) ports.Write {
	w.Keys = append(w.Keys, ports.Key{Name: name, Key: []byte(key)})
	return w
}

func wantKey(t *testing.T, keyring ports.Keyring, name, want string) {
	t.Helper()
	got, err := keyring.Get(t.Context(), name)
	if err != nil || string(got[name]) != want {
		t.Errorf("key %s is %q, %v; want %q", name, got[name], err, want)
	}
}

func wantOutcomes(t *testing.T, results []ports.Result, refused ...bool) {
	t.Helper()
	for i, want := range refused {
		if got := results[i].Err; errors.Is(got, ports.ErrConflict) != want || got != nil && !want {
			t.Errorf("write %d: %v; want it refused: %t", i, got, want)
		}
	}
}

func keysComeWithEvents(t *testing.T, store ports.EventStore, keyring ports.Keyring) {
	stale := bringing(write("stale", 3, 1), "stale", "a key")
	good := bringing(bringing(write("good", 0, 1), "one", "key \x00 one"), "two", "key two")
	wantOutcomes(t, appendSome(t, store, stale, good), true, false)
	wantKey(t, keyring, "stale", "")
	wantKey(t, keyring, "one", "key \x00 one")
	wantKey(t, keyring, "two", "key two")
	wantOutcomes(t, appendSome(t, store, bringing(write("good", 1, 1), "one", "key \x00 one")), false)
}

func otherKeyIsRefusedAlone(t *testing.T, store ports.EventStore, keyring ports.Keyring) {
	if _, err := keyring.KeepOrGet(t.Context(), "k", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, appendSome(t, store,
		bringing(write("a", 0, 1), "k", "other"), write("b", 0, 1), bringing(write("c", 0, 1), "k", "kept"),
	), true, false, false)
	wantKey(t, keyring, "k", "kept")
	if got := load(t, store, "a"); len(got) != 0 {
		t.Errorf("the refused write is there: %v", got)
	}
}

func keysOfOneCall(t *testing.T, store ports.EventStore, keyring ports.Keyring) {
	wantOutcomes(t, appendSome(t, store,
		bringing(write("a", 0, 1), "k", "first"), bringing(write("b", 0, 1), "k", "first"), bringing(write("c", 0, 1), "k", "second"),
	), false, false, true)
	wantKey(t, keyring, "k", "first")
}

func oneKeyWins(t *testing.T, store ports.EventStore, keyring ports.Keyring) {
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			results, err := store.Append(t.Context(), bringing(write(fmt.Sprint("s", i), 0, 1), "k", fmt.Sprint("key ", i)))
			if errs[i] = err; err == nil {
				errs[i] = results[0].Err
			}
		})
	}
	group.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.Is(err, ports.ErrConflict):
			t.Errorf("append %d: %v", i, err)
		}
	}
	wantKey(t, keyring, "k", fmt.Sprint("key ", won))
}
