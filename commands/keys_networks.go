package commands

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pro-sms/prosms/domain"
)

// Admits reports whether a key may be used from an address; any address where it
// names no networks.
func Admits(key domain.Key, address netip.Addr) bool {
	return len(key.Issued.AllowedIPs) == 0 || slices.ContainsFunc(key.Issued.AllowedIPs, func(network string) bool {
		prefix, err := netip.ParsePrefix(network)
		return err == nil && prefix.Contains(address.Unmap().WithZone(""))
	})
}

// maxNetworks is how many addresses or networks a key may name.
const maxNetworks = 20

// validateNetworks returns networks in their one form, addresses as networks of one.
func validateNetworks(invalid *Invalid, given []string) []string {
	if len(given) > maxNetworks {
		invalid.add("/allowed_ips", CodeTooMany, fmt.Sprintf("at most %d addresses or networks", maxNetworks))
		return nil
	}
	var networks []string
	for i, text := range given {
		prefix, err := netip.ParsePrefix(text)
		if address, plain := netip.ParseAddr(text); plain == nil && address.Zone() == "" {
			prefix, err = address.Prefix(address.BitLen())
		}
		if err != nil || prefix.Addr().Is4In6() {
			invalid.add(fmt.Sprintf("/allowed_ips/%d", i), CodeInvalidValue, "an address such as 192.0.2.7, or a network such as 2001:db8::/48")
			continue
		}
		networks = append(networks, prefix.Masked().String())
	}
	return networks
}
