package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client returns the address that a request comes from, not valid where it is not
// known. Of X-Forwarded-For it believes what trusted proxies have added, from the
// right: the first address that is no proxy's. Whatever stands left of that, anybody
// can have written.
func (a *api) client(r *http.Request) netip.Addr {
	endpoint, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := endpoint.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !a.trusts(address) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // the proxy that wrote this is all we know
		}
		address = before.Unmap().WithZone("")
	}
	return address
}

func (a *api) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(a.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(address) })
}

// counted is whom a limit counts: an IPv4 address, or the /64 of an IPv6 address,
// since that is what one customer of a network gets.
func counted(address netip.Addr) string {
	if !address.IsValid() {
		return "unknown"
	}
	if address.Is4() {
		return address.String()
	}
	prefix, _ := address.Prefix(64) // 64 bits are no more than an IPv6 address has
	return prefix.String()
}
