package phone

import (
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// unknownZone is the library's word for a number that is at home nowhere.
const unknownZone = "Etc/Unknown"

// states are the zones of the 50 states of the USA, as far as their hours differ.
var states = []string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
	"America/Anchorage", "America/Adak", "Pacific/Honolulu",
}

// Zones returns the names of all time zones (IANA) in which the holder of number,
// which Parse returned, may live: an area code is a hint and no place, so several
// are usual. None means that nothing is known, as of satellite phones.
//
// A number of country code 1 without a place, toll-free for instance, stands for
// the 50 states: the library has 42 zones for it, Guam's and Samoa's among them,
// which are never all awake at once.
func Zones(number string) []string {
	parsed, err := phonenumbers.Parse(number, "")
	if err != nil {
		return nil
	}
	zones, err := phonenumbers.GetTimezonesForNumber(parsed)
	if err != nil || len(zones) == 0 || slices.Contains(zones, unknownZone) {
		return nil
	}
	if parsed.GetCountryCode() == 1 && slices.Contains(zones, "Pacific/Guam") && len(zones) > 1 {
		return slices.Clone(states)
	}
	return slices.Clone(zones)
}
