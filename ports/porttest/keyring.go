package porttest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/ports"
)

// Keyring holds the keyrings that open returns, two instances over one database
// that is new to each law, to the laws of ports.Keyring.
func Keyring(t *testing.T, open func(*testing.T) (a, b ports.Keyring)) {
	t.Run("the first key that is kept stays", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		first := []byte("first key, with a zero \x00 and \xff")
		for i, keyring := range []ports.Keyring{a, b, a} {
			offered := [][]byte{first, []byte("second"), []byte("third")}[i]
			if kept, err := keyring.KeepOrGet(t.Context(), "k", offered); err != nil || !bytes.Equal(kept, first) {
				t.Errorf("KeepOrGet %d = %q, %v; want the first key", i+1, kept, err)
			}
		}
		if kept, err := b.KeepOrGet(t.Context(), "other", []byte("x")); err != nil || string(kept) != "x" {
			t.Errorf("under another name: %q, %v", kept, err)
		}
	})

	t.Run("instances that start together agree on one key", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		kept := make([][]byte, 8)
		var group sync.WaitGroup
		for i := range kept {
			group.Go(func() {
				var err error
				if kept[i], err = []ports.Keyring{a, b}[i%2].KeepOrGet(t.Context(), "k", []byte{byte(i + 1)}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for i, key := range kept {
			if len(key) != 1 || !bytes.Equal(key, kept[0]) {
				t.Errorf("caller %d got %x, the first %x", i, key, kept[0])
			}
		}
	})

	t.Run("a key is replaced only by who knows it", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		if _, err := a.KeepOrGet(t.Context(), "k", []byte("old")); err != nil {
			t.Fatal(err)
		}
		if err := b.Replace(t.Context(), "k", []byte("older"), []byte("mine")); !errors.Is(err, ports.ErrConflict) {
			t.Errorf("replacing what is not there: %v, want ErrConflict", err)
		}
		if err := b.Replace(t.Context(), "k", []byte("old"), []byte("new")); err != nil {
			t.Errorf("replacing: %v", err)
		}
		if kept, err := a.KeepOrGet(t.Context(), "k", []byte("other")); err != nil || string(kept) != "new" {
			t.Errorf("afterwards: %q, %v; want the new key", kept, err)
		}
	})

	t.Run("keys are read together and listed by prefix", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		for _, name := range []string{"s/b", "s/a", "sx", "s/c", "r"} {
			if _, err := a.KeepOrGet(t.Context(), name, []byte(name)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.Get(t.Context(), "s/a", "none", "r")
		if err != nil || len(got) != 2 || string(got["s/a"]) != "s/a" || string(got["r"]) != "r" {
			t.Errorf("Get = %q, %v; want two keys", got, err)
		}
		if got, err := b.Get(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("Get of nothing = %q, %v", got, err)
		}
		first, err := b.Names(t.Context(), "s/", "", 2)
		if err != nil || !slices.Equal(first, []string{"s/a", "s/b"}) {
			t.Errorf("Names = %q, %v; want the first two", first, err)
		}
		rest, err := b.Names(t.Context(), "s/", "s/b", 2)
		if err != nil || !slices.Equal(rest, []string{"s/c"}) {
			t.Errorf("Names = %q, %v; want the third", rest, err)
		}
	})

	t.Run("a key that was deleted is gone", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		for _, name := range []string{"x", "y", "z"} {
			if _, err := a.KeepOrGet(t.Context(), name, []byte("old")); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the second time there is nothing to do
			if err := a.Delete(t.Context(), "x", "none", "z"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := b.Get(t.Context(), "x", "y", "z"); err != nil || len(got) != 1 || got["y"] == nil {
			t.Errorf("Get = %q, %v; want what was not deleted", got, err)
		}
		if kept, err := b.KeepOrGet(t.Context(), "x", []byte("new")); err != nil || string(kept) != "new" {
			t.Errorf("a new key under the name: %q, %v", kept, err)
		}
	})
}
