package commands

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/ports"
)

func TestTheLookupKeyIsTheSameForEver(t *testing.T) {
	var keyring memory.Keyring
	master, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	first, err := OpenLookup(t.Context(), &keyring, Master{})
	if err != nil || len(first) != 32 {
		t.Fatalf("first: %d bytes, %v", len(first), err)
	}
	for _, step := range []struct {
		name   string
		master []byte
		err    error
	}{
		{"without a master key again", nil, nil},
		{"when a master key is introduced", master, nil},
		{"with that master key", master, nil},
		{"with another master key", other, ErrMasterKey},
		{"without the master key", nil, ErrMasterKey},
	} {
		key, err := OpenLookup(t.Context(), &keyring, Master{Present: step.master})
		if !errors.Is(err, step.err) || err == nil && !bytes.Equal(key, first) {
			t.Errorf("%s: same key %v, error %v; want %v", step.name, bytes.Equal(key, first), err, step.err)
		}
	}
	kept, err := keyring.KeepOrGet(t.Context(), lookupKeyName, nil)
	if err != nil || bytes.Contains(kept, first) {
		t.Error("the key is still kept unwrapped")
	}
}

func TestANewDatabaseKeepsItsKeyWrapped(t *testing.T) {
	var keyring memory.Keyring
	var _ ports.Keyring = &keyring
	key, err := OpenLookup(t.Context(), &keyring, Master{Present: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	if kept, _ := keyring.KeepOrGet(t.Context(), lookupKeyName, nil); bytes.Contains(kept, key) {
		t.Error("the key is kept unwrapped")
	}
}
