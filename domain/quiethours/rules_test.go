package quiethours_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/pro-sms/prosms/domain/quiethours"
)

func TestEachRegionHasItsHours(t *testing.T) {
	around := parse(t, "00:00-24:00").EveryDay()
	for _, tt := range []struct{ place, number, zone, now, want string }{
		{"California, by federal law", "+14155552671", "America/Los_Angeles", "2026-01-15T07:59:00-08:00", "2026-01-15T08:00:00-08:00"},
		{"California, late", "+14155552671", "America/Los_Angeles", "2026-01-15T20:30:00-08:00", "2026-01-15T20:30:00-08:00"},
		{"Florida, late", "+13055552671", "America/New_York", "2026-01-15T20:30:00-05:00", "2026-01-16T08:00:00-05:00"},
		{"Connecticut", "+12035552671", "America/New_York", "2026-01-15T08:30:00-05:00", "2026-01-15T09:00:00-05:00"},
		{"Kentucky", "+15025552671", "America/New_York", "2026-01-15T09:30:00-05:00", "2026-01-15T10:00:00-05:00"},
		{"Texas on a Sunday", "+12145552671", "America/Chicago", "2026-01-18T09:30:00-06:00", "2026-01-18T12:00:00-06:00"},
		{"Texas on a Monday", "+12145552671", "America/Chicago", "2026-01-19T09:30:00-06:00", "2026-01-19T09:30:00-06:00"},
		{"Rhode Island on a Friday evening", "+14015552671", "America/New_York", "2026-01-16T18:00:00-05:00", "2026-01-17T10:00:00-05:00"},
		{"Rhode Island on a Sunday evening", "+14015552671", "America/New_York", "2026-01-18T17:00:00-05:00", "2026-01-19T09:00:00-05:00"},
		{"elsewhere", "+4915123456789", "Europe/Berlin", "2026-01-15T03:00:00+01:00", "2026-01-15T03:00:00+01:00"},
	} {
		got, ok := quiethours.Regions().Narrow(around, tt.number).Next(moment(t, tt.now), zones(t, tt.zone))
		if !ok || !got.Equal(moment(t, tt.want)) {
			t.Errorf("%s: %v, %v; want %s", tt.place, got, ok, tt.want)
		}
	}
}

// The library knows where most area codes are. What it does not know, as codes that
// are newer than it, it cannot contradict.
func TestEveryAreaCodeIsOfItsState(t *testing.T) {
	known := 0
	for _, rule := range quiethours.Regions()[1:] {
		for _, prefix := range rule.Prefixes {
			number, err := phonenumbers.Parse(prefix+"5550100", "")
			if err != nil || len(prefix) != 5 {
				t.Errorf("%s: %s: %v", rule.Place, prefix, err)
				continue
			}
			place, err := phonenumbers.GetGeocodingForNumber(number, "en")
			if err != nil || place == "" || place == "United States" {
				continue
			}
			known++
			if !strings.Contains(place, rule.Place) && !strings.Contains(place, ", "+abbreviation[rule.Place]) {
				t.Errorf("%s is in %s, not in %s", prefix, place, rule.Place)
			}
		}
	}
	if known < 90 {
		t.Errorf("the library knows %d of the area codes", known)
	}
}

var abbreviation = map[string]string{
	"Florida": "FL", "Oklahoma": "OK", "Maryland": "MD", "Washington": "WA", "Wyoming": "WY", "Oregon": "OR", "Mississippi": "MS",
	"New Jersey": "NJ", "Louisiana": "LA", "Alabama": "AL", "Massachusetts": "MA", "Connecticut": "CT", "Texas": "TX",
	"Kentucky": "KY", "Rhode Island": "RI",
}

func TestADayWithoutHoursIsPassedOver(t *testing.T) {
	week, err := quiethours.ParseWeek("10:00-20:00", "10:00-18:00", "none")
	if err != nil {
		t.Fatal(err)
	}
	paris := zones(t, "Europe/Paris")
	if got, ok := week.Next(moment(t, "2026-01-17T18:00:00+01:00"), paris); !ok || !got.Equal(moment(t, "2026-01-19T10:00:00+01:00")) {
		t.Errorf("on Saturday evening: %v, %v", got, ok)
	}
	if _, ok := (quiethours.Week{}).Next(moment(t, "2026-01-17T18:00:00+01:00"), paris); ok {
		t.Error("a week without hours opens")
	}
}

func TestRulesOnlyNarrow(t *testing.T) {
	rules := quiethours.Regions()
	newYork := zones(t, "America/New_York")
	rapid.Check(t, func(r *rapid.T) {
		from := rapid.IntRange(0, 22).Draw(r, "from")
		to := rapid.IntRange(from+1, 24).Draw(r, "to")
		week := parse(t, clock(from)+"-"+clock(to)).EveryDay()
		rule := rapid.SampledFrom(rules).Draw(r, "rule")
		narrowed := rules.Narrow(week, rapid.SampledFrom(rule.Prefixes).Draw(r, "prefix")+"5552671")
		now := moment(t, "2026-01-15T00:00:00Z").Add(timeOf(rapid.IntRange(0, 14*24*60).Draw(r, "minute")))
		for _, whole := range []quiethours.Week{week, rule.Week} {
			at, ok := narrowed.Next(now, newYork)
			if open, _ := whole.Next(at, newYork); ok && !open.Equal(at) {
				r.Fatalf("open at %v, when the law or the setting is not", at)
			}
		}
	})
}

func clock(hour int) string { return fmt.Sprintf("%02d:00", hour) }

func timeOf(minutes int) time.Duration { return time.Duration(minutes) * time.Minute }
