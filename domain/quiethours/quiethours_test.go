package quiethours_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // also where the machine has no zones

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/domain/quiethours"
)

func zones(t testing.TB, names ...string) []*time.Location {
	t.Helper()
	var loaded []*time.Location
	for _, name := range names {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		loaded = append(loaded, zone)
	}
	return loaded
}

func parse(t testing.TB, text string) quiethours.Window {
	t.Helper()
	w, err := quiethours.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNextIsWhenTheWindowIsOpenEverywhere(t *testing.T) {
	tollFree, err := phonenumbers.GetTimezonesForPrefix("18005551212") // all 42
	if err != nil || len(tollFree) != 42 {
		t.Fatal(len(tollFree), err)
	}
	states := phone.Zones("+18005551212")
	for _, tt := range []struct {
		name, window string
		zones        []string
		now, want    string // want "": never
	}{
		{"open", "09:00-20:00", []string{"Europe/Berlin"}, "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z"},
		{"its first moment", "09:00-20:00", []string{"Europe/Berlin"}, "2026-01-15T08:00:00Z", "2026-01-15T08:00:00Z"},
		{"before it", "09:00-20:00", []string{"Europe/Berlin"}, "2026-01-15T07:59:59Z", "2026-01-15T08:00:00Z"},
		{"its last moment", "09:00-20:00", []string{"Europe/Berlin"}, "2026-01-15T18:59:59Z", "2026-01-15T18:59:59Z"},
		{"after it", "09:00-20:00", []string{"Europe/Berlin"}, "2026-01-15T19:00:00Z", "2026-01-16T08:00:00Z"},
		{"around the clock", "00:00-24:00", []string{"Europe/Berlin"}, "2026-01-15T23:30:00Z", "2026-01-15T23:30:00Z"},
		{"a zone of 45 minutes", "09:00-20:00", []string{"Asia/Kathmandu"}, "2026-01-15T00:00:00Z", "2026-01-15T03:15:00Z"},
		{"over the date line", "09:00-20:00", []string{"Pacific/Kiritimati"}, "2026-01-15T12:00:00Z", "2026-01-15T19:00:00Z"},
		{"two coasts", "09:00-20:00", []string{"America/New_York", "America/Los_Angeles"}, "2026-01-15T14:00:00Z", "2026-01-15T17:00:00Z"},
		{"two coasts, late", "09:00-20:00", []string{"America/New_York", "America/Los_Angeles"}, "2026-01-16T01:00:00Z", "2026-01-16T17:00:00Z"},
		{"opposite sides", "09:00-20:00", []string{"Europe/London", "Pacific/Auckland"}, "2026-01-15T12:00:00Z", ""},
		{"nowhere", "09:00-20:00", nil, "2026-01-15T12:00:00Z", ""},

		// A number without a place: some hours a day or none at all.
		{"42 zones, January", "09:00-20:00", tollFree, "2026-01-15T00:30:00Z", "2026-01-15T23:00:00Z"},
		{"42 zones, July", "09:00-20:00", tollFree, "2026-07-15T00:30:00Z", ""},
		{"42 zones, January, from 8 to 21", "08:00-21:00", tollFree, "2026-01-15T01:30:00Z", "2026-01-15T22:00:00Z"},
		{"42 zones, July, from 8 to 21", "08:00-21:00", tollFree, "2026-07-15T01:30:00Z", "2026-07-15T22:00:00Z"},
		{"42 zones, July, from 8 to 20", "08:00-20:00", tollFree, "2026-07-15T01:30:00Z", "2026-07-15T22:00:00Z"},
		{"50 states, January: 14:00 Eastern", "09:00-20:00", states, "2026-01-15T12:00:00Z", "2026-01-15T19:00:00Z"},
		{"50 states, January: until 20:00 Eastern", "09:00-20:00", states, "2026-01-16T00:59:59Z", "2026-01-16T00:59:59Z"},
		{"50 states, January: no longer", "09:00-20:00", states, "2026-01-16T01:00:00Z", "2026-01-16T19:00:00Z"},
		{"50 states, July: 15:00 Eastern", "09:00-20:00", states, "2026-07-15T12:00:00Z", "2026-07-15T19:00:00Z"},
		{"50 states, July: until 20:00 Eastern", "09:00-20:00", states, "2026-07-15T23:59:59Z", "2026-07-15T23:59:59Z"},

		// The clocks change.
		{"the night the clocks go forward", "09:00-20:00", []string{"Europe/Berlin"}, "2026-03-28T20:00:00Z", "2026-03-29T07:00:00Z"},
		{"the night they go back", "09:00-20:00", []string{"Europe/Berlin"}, "2026-10-24T20:00:00Z", "2026-10-25T08:00:00Z"},
		{"a first minute that does not exist", "02:30-20:00", []string{"Europe/Berlin"}, "2026-03-29T00:45:00Z", "2026-03-29T01:30:00Z"},
		{"an hour that comes twice: the second time", "02:30-03:00", []string{"Europe/Berlin"}, "2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parse(t, tt.window).Next(moment(t, tt.now), zones(t, tt.zones...))
			if tt.want == "" {
				if ok {
					t.Errorf("Next = %s, want never", got)
				}
				return
			}
			if want := moment(t, tt.want); !ok || !got.Equal(want) {
				t.Errorf("Next = %s, %v; want %s", got, ok, want)
			}
		})
	}
}

// Next is never early, and the minute before it is never open, whatever the zones.
func TestNextIsTheEarliestMoment(t *testing.T) {
	names := []string{"Europe/Berlin", "America/New_York", "Pacific/Honolulu", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Africa/Cairo"}
	start := moment(t, "2026-01-01T00:00:00Z")
	rapid.Check(t, func(r *rapid.T) {
		window := rapid.SampledFrom([]string{"09:00-20:00", "08:00-21:00", "00:00-12:00", "10:15-10:45"}).Draw(r, "window")
		chosen := zones(t, rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID).Draw(r, "zones")...)
		now := start.Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(r, "minute")) * time.Minute)
		w := parse(t, window)
		got, ok := w.Next(now, chosen)
		open := func(at time.Time) bool {
			for _, zone := range chosen {
				if clock := at.In(zone).Format("15:04"); clock < window[:5] || clock >= window[6:] {
					return false
				}
			}
			return true
		}
		if !ok {
			got = now.Add(quiethours.Horizon)
		} else if got.Before(now) || !open(got) {
			r.Fatalf("Next(%s) = %s", now, got)
		}
		for at := now; at.Before(got); at = at.Add(5 * time.Minute) {
			if open(at) {
				r.Fatalf("Next(%s) = %s, %v, and %s is earlier", now, got, ok, at)
			}
		}
	})
}

func TestAWindowThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "9-20", "9:00-20:00", "20:00-09:00", "09:00-09:00", "09:00-24:01", "25:00-26:00", "09:60-20:00", "09:00-20:00 ", "09:00 20:00", "-9:00-20:00", "09:00-+1:00",
	} {
		if _, err := quiethours.Parse(text); !errors.Is(err, quiethours.ErrWindow) {
			t.Errorf("Parse(%q): %v, want ErrWindow", text, err)
		}
	}
}
