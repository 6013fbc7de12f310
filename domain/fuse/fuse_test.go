package fuse_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/events"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rule  = fuse.Rule{Texts: 50, Share: 0.3, Pause: time.Hour, Digits: 4, Exempt: []string{"+4930"}}
	block = fuse.Block{Tenant: "acme", Prefix: "+1415555"}
)

func TestABlockIsTheNumbersThatDifferInTheirLastDigits(t *testing.T) {
	for number, want := range map[string]string{
		"+14155552671": "+1415555", "+14155559999": "+1415555", "+4915123456789": "+491512345",
		"+29822": "", "+4930123456": "", "": "",
	} {
		if got, ok := rule.Block("acme", number); got.Prefix != want || ok != (want != "") {
			t.Errorf("Block(%q) = %+v, %v; want %q", number, got, ok, want)
		}
	}
}

func TestAFuseBlowsWhenFewArriveAlthoughReceiptsCome(t *testing.T) {
	elsewhere := fuse.Sample{Texts: 60, Delivered: 55}
	silent := fuse.Sample{Texts: 60}
	for _, tt := range []struct {
		name              string
		sample, elsewhere fuse.Sample
		want              bool
	}{
		{"nothing arrives", fuse.Sample{Texts: 50}, elsewhere, true},
		{"less than the share", fuse.Sample{Texts: 50, Delivered: 14}, elsewhere, true},
		{"the share", fuse.Sample{Texts: 50, Delivered: 15}, elsewhere, false},
		{"refused by the operator is not delivered", fuse.Sample{Texts: 50, Undelivered: 50}, silent, true},
		{"no receipts come at all", fuse.Sample{Texts: 50}, silent, false},
		{"one receipt elsewhere shows that they come", fuse.Sample{Texts: 50}, fuse.Sample{Texts: 60, Undelivered: 1}, true},
		{"nothing is known of others", fuse.Sample{Texts: 50}, fuse.Sample{}, true},
		{"a few others prove nothing", fuse.Sample{Texts: 50}, fuse.Sample{Texts: 9}, true},
	} {
		if got := rule.Blows(tt.sample, tt.elsewhere); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// decide carries c out on s and returns the event, if there is one.
func decide(t *testing.T, s *fuse.State, c domain.Command) events.Event {
	t.Helper()
	decided, err := s.Decide(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(decided) == 0 {
		return nil
	}
	*s = s.Evolve(decided[0])
	return decided[0]
}

func blow(now time.Time) fuse.Blow {
	return fuse.Blow{Block: block, Sample: fuse.Sample{Texts: 50, Delivered: 2}, Rule: rule, Now: now}
}

func TestAPauseLapsesAndIsLongerNextTime(t *testing.T) {
	s, now := fuse.State{}, noon
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 24, 24} {
		until := now.Add(want * time.Hour)
		blown, _ := decide(t, &s, blow(now)).(events.FuseBlown)
		if blown != (events.FuseBlown{Tenant: "acme", Prefix: "+1415555", Texts: 50, Delivered: 2, Paused: true, At: now, Until: until}) {
			t.Fatalf("blown: %+v; want until %v", blown, until)
		}
		if again := decide(t, &s, blow(until.Add(-1))); again != nil {
			t.Errorf("blown while it is: %+v", again)
		}
		if !s.Of(block).InForce(until.Add(-1)) || s.Of(block).InForce(until) || len(s.InForce(until)) != 0 {
			t.Errorf("in force until %v: %+v", until, s.Of(block))
		}
		now = until
	}
}

func TestWhatIsLiftedIsLeftAloneForAWhile(t *testing.T) {
	s := fuse.State{}
	lift := fuse.Lift{Block: block, For: 48 * time.Hour, Now: noon.Add(time.Minute)}
	if _, err := s.Decide(lift); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("lifting what is not blown: %v", err)
	}
	decide(t, &s, blow(noon))
	decide(t, &s, blow(noon.Add(time.Hour)))
	lift.Now = noon.Add(2 * time.Hour)
	until := lift.Now.Add(fuse.MaxPause)
	if got := decide(t, &s, lift); got != (events.FuseLifted{Tenant: "acme", Prefix: "+1415555", At: lift.Now, Until: until}) {
		t.Errorf("lifted: %+v", got)
	}
	if s.Of(block).Paused {
		t.Error("it is paused still")
	}
	if got := append([]events.Event{}, decide(t, &s, lift), decide(t, &s, blow(until.Add(-1)))); !slices.Equal(got, []events.Event{nil, nil}) {
		t.Errorf("after lifting: %+v", got)
	}
	if got, _ := decide(t, &s, blow(until)).(events.FuseBlown); got.Until != until.Add(time.Hour) {
		t.Errorf("what was before lifting makes the pause longer: %+v", got)
	}
}

func TestReportingPausesNothing(t *testing.T) {
	s, c := fuse.State{}, blow(noon)
	c.Rule.ReportOnly = true
	if got, ok := decide(t, &s, c).(events.FuseBlown); !ok || got.Paused || s.Of(block).Paused {
		t.Errorf("blown: %+v", got)
	}
}

func TestWhatWasReportedIsPausedOnceTextsArePaused(t *testing.T) {
	s, report := fuse.State{}, blow(noon)
	report.Rule.ReportOnly = true
	decide(t, &s, report)
	if again := decide(t, &s, report); again != nil {
		t.Errorf("reported while it is: %+v", again)
	}
	if got, ok := decide(t, &s, blow(noon.Add(time.Minute))).(events.FuseBlown); !ok || !got.Paused || !s.Of(block).Paused || got.Until.Sub(got.At) != time.Hour {
		t.Errorf("blown: %+v", got)
	}
	report.Now = noon.Add(2 * time.Minute)
	if again := decide(t, &s, report); again != nil {
		t.Errorf("reported while it is paused: %+v", again)
	}
}

func TestAnAttackFromEverywhereIsNotFollowedForEver(t *testing.T) {
	s, decisions := fuse.State{}, 0
	for i := range 1500 {
		c := blow(noon)
		c.Prefix = fmt.Sprintf("+1%06d", i)
		if decide(t, &s, c) != nil {
			decisions++
		}
	}
	if decisions != 1000 {
		t.Errorf("%d fuses blew", decisions)
	}
}
