package porttest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/ports"
)

// Keyring holds the keyrings that open returns, two instances over one database
// that is new to each law, to the laws of ports.Keyring.
func Keyring(t *testing.T, open func(*testing.T) (a, b ports.Keyring)) {
	t.Run("the lookup key has 32 bytes and stays the same", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		want := lookupKey(t, a)
		if len(want) != 32 || bytes.Equal(want, make([]byte, 32)) {
			t.Errorf("LookupKey gave %d bytes, want 32 random ones", len(want))
		}
		if !bytes.Equal(lookupKey(t, a), want) || !bytes.Equal(lookupKey(t, b), want) {
			t.Error("LookupKey gave another key the second time")
		}
	})

	t.Run("instances that start together agree on one key", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		keys := make([][]byte, 8)
		var group sync.WaitGroup
		for i := range keys {
			group.Go(func() { keys[i] = lookupKey(t, []ports.Keyring{a, b}[i%2]) })
		}
		group.Wait()
		for i, key := range keys {
			if !bytes.Equal(key, keys[0]) {
				t.Errorf("caller %d got another key than the first", i)
			}
		}
	})

	t.Run("two databases have two keys", func(t *testing.T) {
		t.Parallel()
		a, _ := open(t)
		b, _ := open(t)
		if bytes.Equal(lookupKey(t, a), lookupKey(t, b)) {
			t.Error("both databases have the same key")
		}
	})
}

func lookupKey(t *testing.T, keyring ports.Keyring) []byte {
	t.Helper()
	key, err := keyring.LookupKey(t.Context())
	if err != nil {
		t.Errorf("LookupKey: %v", err)
	}
	return key
}
