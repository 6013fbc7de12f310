package porttest

import (
	"bytes"
	"errors"
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
}
