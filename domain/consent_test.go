package domain_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestConsentIsTheLastWord(t *testing.T) {
	out := events.ConsentOptedOut{Number: "+14155552671", Keyword: "STOP", Source: "keyword", Scope: "all"}
	in := events.ConsentOptedIn{Number: "+14155552671", Keyword: "START", Source: "keyword", Scope: "all"}
	by := func(source string) events.ConsentOptedOut {
		return events.ConsentOptedOut{Number: "+14155552671", Source: source, Scope: "all"}
	}
	byAPI, byText, byProvider, byOperator := by("api"), by("text"), by("provider"), by("operator")
	reviewed := events.ConsentReviewed{By: "operator:ada"}
	inByAPI := events.ConsentOptedIn{Number: "+14155552671", Source: "api", Scope: "all"}
	for _, tt := range []struct {
		name  string
		given []events.Event
		when  domain.Command
		then  []events.Event
		err   error
	}{
		{"opts out", nil, domain.OptOut{Event: out}, history(out), nil},
		{"is out already", history(out), domain.OptOut{Event: out}, nil, nil},
		{"opts in", history(out), domain.OptIn{Event: in}, history(in), nil},
		{"is in already", nil, domain.OptIn{Event: in}, nil, nil},
		{"opts out again", history(out, in), domain.OptOut{Event: out}, history(out), nil},
		{"a text does not lift what the tenant said", history(byAPI), domain.OptIn{Event: in}, nil, nil},
		{"nor what an operator said", history(byOperator), domain.OptIn{Event: in}, nil, nil},
		{"the tenant lifts what a text said", history(out), domain.OptIn{Event: inByAPI}, history(inByAPI), nil},
		{"START lifts free text", history(byText), domain.OptIn{Event: in}, history(in), nil},
		{"START lifts what the provider knew of", history(byProvider), domain.OptIn{Event: in}, history(in), nil},
		{"YES lifts a keyword", history(out), domain.OptIn{Event: in, Everyday: true}, history(in), nil},
		{"YES does not lift free text", history(byText), domain.OptIn{Event: in, Everyday: true}, nil, nil},
		{"YES does not lift what the provider knew of", history(byProvider), domain.OptIn{Event: in, Everyday: true}, nil, nil},
		{"the last opt-out's source counts", history(byAPI, inByAPI, out), domain.OptIn{Event: in, Everyday: true}, history(in), nil},
		{"free text is reviewed", history(byText), domain.Review{By: "operator:ada"}, history(reviewed), nil},
		{"and that once", history(byText, reviewed), domain.Review{By: "operator:bob"}, nil, nil},
		{"anew where it is said again", history(byText, reviewed, inByAPI, byText), domain.Review{By: "operator:ada"}, history(reviewed), nil},
		{"a keyword needs no review", history(out), domain.Review{By: "operator:ada"}, nil, nil},
		{"nor does what is lifted", history(byText, in), domain.Review{By: "operator:ada"}, nil, nil},
		{"START lifts what is reviewed", history(byText, reviewed), domain.OptIn{Event: in}, history(in), nil},
		{"what is reviewed is out already", history(byText, reviewed), domain.OptOut{Event: out}, nil, nil},
		{"an event of a newer build changes nothing", history(out, events.Unknown{Type: "consent.paused"}), domain.OptOut{Event: out}, nil, nil},
		{"a command of something else", nil, domain.Cancel{}, nil, domain.ErrUnknownCommand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c domain.Consent
			for _, e := range tt.given {
				c = c.Evolve(e)
			}
			got, err := c.Decide(tt.when)
			if diff := cmp.Diff(tt.then, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("Decide: %v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}
