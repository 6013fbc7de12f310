// Package web is the admin pages: server-rendered HTML for operators, live by
// server-sent events, with nothing from outside and working without JavaScript.
package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/migrations"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// UI describes the admin pages. Commands and Oversight must be set; the other
// fields have defaults, or leave out what they are about.
type UI struct {
	Commands  *commands.Handler
	Oversight projections.Oversight
	Limiter   ports.Limiter // of signing in; nil: no limits

	// URL is under which operators reach the pages; empty: as each request has it.
	URL string
	// Identities signs operators in elsewhere; nil: nobody does. NoPasswords leaves
	// that as the only way in.
	Identities  IdentityProvider
	NoPasswords bool

	// SetupToken lets the first operator in, once; empty: nobody. In a demo it
	// lets in without a password, as operator "demo".
	SetupToken string
	Demo       bool

	Depth       func(ctx context.Context, lane domain.Lane) (int, error) // waiting in a lane; nil: not shown
	Projections []string                                                 // whose lag is shown
	RelayLag    func(ctx context.Context) (int64, error)                 // events that the bus has yet to be told; nil: not shown
	Providers   []Provider
	Next        func(id string, m domain.Message) []string // names of those that may make a text's next attempt; nil: any
	KeyUses     ports.KeyUses                              // nil: when keys were used is not shown
	Webhooks    *commands.Webhooks                         // nil: not shown
	Checks      []Check
	Settings    []Setting
	About       []Fact                                                  // versions and the like
	Migrations  func(ctx context.Context) ([]migrations.Applied, error) // that the database has had, the newest first; nil: not shown
	Examine     func(ctx context.Context) []Finding                     // what prosms doctor finds; nil: not offered
	// Request tells what a provider is asked for an attempt that begins at a time, made
	// anew and without secrets; empty where that is not known. nil: never.
	Request func(provider string, text ports.Text, at time.Time) string
	// Meaning says what a provider's code means; empty where that is not known. nil: never.
	Meaning  func(provider, code string) string
	APIURL   string // where this instance's API is, for the curl lines
	PhoneURL string // of the sandbox's phone; empty: there is none

	Log *slog.Logger     // nil: slog.Default
	Now func() time.Time // nil: time.Now
}

// Provider is a line about who sends.
type Provider struct {
	Name, Purpose string
	Routes        []domain.Route // to it; none: it may take any text
	PerSecond     int            // texts a second, of all instances together; 0: unlimited
	InFlight      int            // calls at once of one instance
}

// Check asks something that Pro-SMS depends on whether it is there.
type Check struct {
	Name string
	Func func(ctx context.Context) error
}

// Finding is what came of one check of the doctor. It tells no secret and nothing
// personal.
type Finding struct {
	Status string // "ok", "note", "warn" or "FAIL"
	Check  string
	Detail string
	Cure   string // the command or the setting that mends it
}

// Setting is a variable of the configuration as it may be shown: a secret is
// masked already.
type Setting struct{ Name, Value, Origin, About string }

// Fact is a name and a value.
type Fact struct{ Name, Value string }

// ui is a UI at work.
type ui struct {
	UI
	log        *slog.Logger
	pages      pages
	sessions   *sessions
	passwords  passwords
	setup      *oneTime
	selections *selections
	newKeys    *secrets[commands.IssuedKey]
	newLinks   *secrets[string] // of invitations
	doctor     *doctor
	pulse      *pulse
	streams    chan struct{} // slots of event streams
	closing    context.Context
}

// maxStreams bounds event streams that are open at once.
const maxStreams = 64

// Handler returns the pages, and a function that ends what would not end by
// itself, for the server's shutdown. It keeps sessions: call it once.
func (u UI) Handler() (handler http.Handler, stop func(), err error) {
	w := &ui{
		UI: u, log: cmp.Or(u.Log, slog.Default()), setup: &oneTime{token: u.SetupToken},
		passwords: newPasswords(u.Commands.Lookup), streams: make(chan struct{}, maxStreams),
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Next == nil {
		w.Next = func(string, domain.Message) (names []string) {
			for _, p := range w.Providers {
				names = append(names, p.Name)
			}
			return names
		}
	}
	w.sessions, w.selections, w.doctor = &sessions{now: w.Now, https: strings.HasPrefix(u.URL, "https://")}, &selections{now: w.Now}, &doctor{examine: w.Examine, now: w.Now}
	w.newKeys, w.newLinks = &secrets[commands.IssuedKey]{now: w.Now}, &secrets[string]{now: w.Now}
	if w.pages, err = parsePages(); err != nil {
		return nil, nil, fmt.Errorf("reading templates: %w", err)
	}
	closing, cancel := context.WithCancel(context.Background())
	w.closing, w.pulse = closing, newPulse(closing, w)
	mux := http.NewServeMux()
	for _, r := range w.routes() {
		mux.Handle(r.pattern, w.guard(r))
	}
	mux.Handle("GET /assets/", assets())
	return http.NewCrossOriginProtection().Handler(headers(mux)), func() { w.pulse.stop(cancel) }, nil
}
