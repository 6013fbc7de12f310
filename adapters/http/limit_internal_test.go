package api

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestAnAddressIsAnIPv4AddressOrTheNetworkOfAnIPv6Address(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234":              "192.0.2.7",
		"[::ffff:192.0.2.7]:1234":     "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:99":   "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":            "fe80::/64",
		"@":                           "unknown",
		"":                            "unknown",
	} {
		if got := counted((&api{}).client(&http.Request{RemoteAddr: remote})); got != want {
			t.Errorf("%s counts as %s, want %s", remote, got, want)
		}
	}
}

func TestSecondsAreRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 0, 1: 1, time.Second: 1, time.Second + 1: 2} {
		if got := wholeSeconds(d); got != want {
			t.Errorf("%v is %d s, want %d", d, got, want)
		}
	}
}

func TestOnlyTrustedProxiesSayWhoTheClientIs(t *testing.T) {
	a := &api{Server: Server{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}}}
	for _, tt := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"a client itself", "192.0.2.7:1", nil, "192.0.2.7"},
		{"a client that claims to be another", "192.0.2.7:1", []string{"198.51.100.1"}, "192.0.2.7"},
		{"behind a proxy", "10.0.0.1:1", []string{"192.0.2.7"}, "192.0.2.7"},
		{"behind a proxy, claiming to be another", "10.0.0.1:1", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7"},
		{"claiming to be a proxy", "10.0.0.1:1", []string{"198.51.100.1, 10.0.0.9, 192.0.2.7"}, "192.0.2.7"},
		{"behind two proxies", "[2001:db8::1]:1", []string{"192.0.2.7,  10.1.2.3"}, "192.0.2.7"},
		{"with a header each", "10.0.0.1:1", []string{"198.51.100.1", "192.0.2.7", "10.0.0.2"}, "192.0.2.7"},
		{"a proxy that says nothing", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a proxy that says nonsense", "10.0.0.1:1", []string{"192.0.2.7, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"proxies all the way", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"a mapped address", "[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		if got := a.client(r).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
