package phone_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // also where the machine has no zones

	"github.com/pro-sms/prosms/domain/phone"
)

func TestANumberHasTheZonesWhereItsHolderMayLive(t *testing.T) {
	for _, tt := range []struct {
		name, number string
		want         []string
	}{
		{"San Francisco", "+14155552671", []string{"America/Los_Angeles"}},
		{"Berlin", "+493012345678", []string{"Europe/Berlin"}},
		{"Boise or Los Angeles: Idaho", "+12085551234", []string{"America/Boise", "America/Los_Angeles"}},
		{"a Portuguese mobile", "+351912345678", []string{"Atlantic/Azores", "Europe/Lisbon"}},
		{"Guam itself", "+16714721234", []string{"Pacific/Guam"}},
		{"satellite", "+870773111632", nil},
		{"international network", "+883510000000", nil},
		{"no number", "12345", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := phone.Zones(tt.number); !slices.Equal(got, tt.want) {
				t.Errorf("Zones = %v, want %v", got, tt.want)
			}
		})
	}
	for _, number := range []string{"+18005551212", "+18885551212", "+15005550006", "+15005550100"} {
		got := phone.Zones(number)
		if len(got) != 8 || !slices.Contains(got, "America/New_York") || !slices.Contains(got, "Pacific/Honolulu") {
			t.Errorf("%s, which is nowhere, has %v, want the 50 states", number, got)
		}
	}
}

func TestEveryZoneOfANumberCanBeLoaded(t *testing.T) {
	seen := map[string]bool{}
	for prefix := 1; prefix < 1000; prefix++ {
		for _, zone := range phone.Zones(fmt.Sprintf("+%d2345678", prefix)) {
			seen[zone] = true
		}
	}
	for zone := range seen {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d zones were tried", len(seen))
	}
}
