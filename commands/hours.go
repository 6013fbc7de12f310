package commands

import (
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/domain/quiethours"
	"github.com/pro-sms/prosms/events"
)

// Hours is when marketing texts may be sent, by the recipient's clocks. The zero
// value keeps nothing back.
type Hours struct {
	Window quiethours.Window
	Rules  quiethours.Rules // narrow it where a number is under one
}

// Quiet says whether text has to wait at now. Zones are derived from the text at
// every claim rather than stored with it: rules of time change.
func (h Hours) Quiet(text events.MessageAccepted, now time.Time) domain.Quiet {
	if text.Kind != string(domain.Marketing) || h.Window == (quiethours.Window{}) {
		return domain.Quiet{}
	}
	week := h.Rules.Narrow(h.Window.EveryDay(), string(text.To))
	until, ok := week.Next(now, zonesOf(text))
	return domain.Quiet{Until: until, Never: !ok}
}

// zonesOf returns the zones whose clocks count for text: the one that the customer
// named, or else all that its number may be in. None: nothing is known, or not all
// of them can be told the time of.
func zonesOf(text events.MessageAccepted) []*time.Location {
	names := []string{text.TimeZone}
	if text.TimeZone == "" {
		names = phone.Zones(string(text.To))
	}
	zones := make([]*time.Location, 0, len(names))
	for _, name := range names {
		zone, ok := loadZone(name)
		if !ok {
			return nil
		}
		zones = append(zones, zone)
	}
	return zones
}

// loadZone returns a zone by its IANA name. The machine's own ("Local", "") is none.
func loadZone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}
