package commands

import (
	"net/netip"
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestAKeyAdmitsTheNetworksThatItNames(t *testing.T) {
	bound := domain.Key{Issued: events.KeyIssued{AllowedIPs: []string{"192.0.2.0/24", "2001:db8::/48"}}}
	for address, want := range map[string]bool{
		"192.0.2.255": true, "::ffff:192.0.2.7": true, "2001:db8::1": true,
		"192.0.3.0": false, "2001:db8:1::1": false, "::1": false,
	} {
		if got := Admits(bound, netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if Admits(bound, netip.Addr{}) || !Admits(domain.Key{}, netip.Addr{}) {
		t.Error("nobody knows from where")
	}
}
