package commands

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestACachedKeyCanBeReadAndMadeByNobodyElse(t *testing.T) {
	seal, at := Lookup("one key").KeySeal(), time.Date(2026, 11, 29, 12, 0, 0, 123_000, time.UTC)
	expires := at.Add(time.Hour)
	key := domain.Key{Revoked: true, Issued: events.KeyIssued{
		Tenant: "acme", Scopes: []string{"admin"}, Hash: events.Hash{1, 2, 3}, ExpiresAt: &expires, AllowedIPs: []string{"192.0.2.0/24"}, Rate: 7,
	}}
	sealed, err := seal.Seal("id", key, at)
	if err != nil {
		t.Fatal(err)
	}
	got, loaded, ok := seal.Open("id", sealed)
	if diff := cmp.Diff(key, got); !ok || !loaded.Equal(at) || diff != "" {
		t.Errorf("opened: %v, %v (-want +got):\n%s", ok, loaded, diff)
	}
	for _, plain := range []string{"acme", key.Issued.Hash.String(), string(key.Issued.Hash[:3])} {
		if bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("the sealed key shows %q", plain)
		}
	}
	if again, err := seal.Seal("id", key, at); err != nil || bytes.Equal(again, sealed) {
		t.Errorf("sealed twice to the same bytes, %v", err)
	}
	if _, _, ok := seal.Open("another", sealed); ok {
		t.Error("it passes for another key")
	}
	if _, _, ok := Lookup("another key").KeySeal().Open("id", sealed); ok {
		t.Error("another installation opens it")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, _, ok := seal.Open("id", changed); ok {
			t.Fatalf("with byte %d changed it opens", i)
		}
	}
	for n := range len(sealed) {
		if _, _, ok := seal.Open("id", sealed[:n]); ok {
			t.Fatalf("the first %d bytes open", n)
		}
	}
}
