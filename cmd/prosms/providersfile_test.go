package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/web"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/keywords"
	"github.com/pro-sms/prosms/domain/quiethours"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// withProviders loads a configuration with a file of providers.
func withProviders(t *testing.T, content string, environ ...string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "providers.yml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadConfig(append(environ, "PROSMS_CONFIG="+path))
}

func TestTheExampleOfProvidersIsOne(t *testing.T) {
	content, err := os.ReadFile("../../deploy/providers.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	example := strings.Replace(string(content), "/run/secrets/twilio-us-token", token, 1)
	c, err := withProviders(t, example, "TWILIO_US_SID=AC1", "ACME_TOKEN=t", "ACME_SIGNING_SECRET=0123456789abcdef",
		"PROSMS_PUBLIC_URL=https://sms.example.com")
	if err != nil {
		t.Fatal(err)
	}
	var p providers
	if err := p.add(c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.callbacks["acme"]; !ok || len(p.accounts) != 1 || !p.accounts[0].holds(func(token string) bool { return token == "secret" }) {
		t.Errorf("%d callbacks, %d accounts, want one of each with its secret", len(p.callbacks), len(p.accounts))
	}
	for _, tt := range []struct {
		to, from events.Personal
		lane     domain.Lane
		want     []string
	}{
		{"+14155552671", "", domain.Normal, []string{"twilio-us", "acme"}},
		{"+14155552671", "+14155550101", domain.Normal, []string{"twilio-us"}},
		{"+4915123456789", "", domain.High, []string{"acme"}},
		{"+4915123456789", "+14155550100", domain.High, []string{"twilio-us"}},
		{"+447911123456", "", domain.Bulk, []string{"acme"}},
	} {
		m := domain.Message{Text: events.MessageAccepted{To: tt.to, From: tt.from, Lane: string(tt.lane)}}
		if got := p.Candidates("msg_1", m); !slices.Equal(got, tt.want) {
			t.Errorf("lane %s: candidates %v, want %v", tt.lane, got, tt.want)
		}
		m.Text.Test = true
		if got := p.Candidates("msg_1", m); len(got) != 0 {
			t.Errorf("a text of a test key may go by %v", got)
		}
	}
}

func TestTheEnvironmentsTwilioStandsBeforeTheFile(t *testing.T) {
	c, err := withProviders(t, minimal, "TWILIO_ACCOUNT_SID=AC1", "TWILIO_AUTH_TOKEN=t", "TWILIO_FROM=+14155550100")
	if err != nil {
		t.Fatal(err)
	}
	got := domain.Candidates(c.Routes, events.MessageAccepted{To: "+14155552671"}, "msg_1")
	if !slices.Equal(got, []string{"twilio", "acme"}) {
		t.Errorf("candidates are %v", got)
	}
}

const minimal = `
providers:
  - name: acme
    http:
      request: {url: "https://acme.example/sms", form: {to: "{to}", text: "{body}"}}
      response: {id: id}
`

func TestEveryFaultOfTheProvidersIsNamedAtOnceAndNoValueShown(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		want    []string
	}{
		"unknown settings and wrong types": {`
providers:
  - name: acme
    tokn: hunter2
    concurrency: hunter2
routs: []
`, []string{"line 4: field tokn is no such setting", "line 5", "line 6: field routs is no such setting"}},
		"a mapping where a list belongs": {`
providers:
  acme: {}
`, []string{"line 3: cannot unmarshal !!map here"}},
		"references that lead nowhere": {`
providers:
  - {name: one, twilio: {account_sid: AC1, auth_token: "env:NOT_SET"}}
  - {name: two, http: {auth: {bearer: "file:/no/such/file"}, callback: {secret: "vault:hunter2"}}}
`, []string{"provider one: twilio.auth_token", "provider two: http.auth", "provider two: http.callback.secret"}},
		"what does not fit together": {`
providers:
  - {name: sandbox, from: "+1", twilio: {account_sid: AC1, auth_token: hunter2}}
  - {name: Acme, http: {}}
  - {name: twilio, http: {}}
  - {name: both, twilio: {}, http: {}, concurrency: -1, senders: ["tel:hunter2"], mps: -5, breaker: {probes: -3}}
  - {name: both, from: A, twilio: {}}
routes:
  - {provider: nobody, lane: high}
  - {provider: both, to: "44", weight: 1}
  - {provider: both, lane: urgent}
  - {provider: both, to: "+44", weight: -1}
  - {provider: both, weight: 0}
`, []string{
			"providers.0: name: is reserved", "providers.1: name: a lower-case", "providers.2: name: is reserved",
			"providers.3: either twilio or http", "providers.3: from, twilio.messaging", "providers.3: concurrency", "providers.3: senders.0",
			"providers.3: mps: a whole number", "providers.3: breaker: window", "providers.4.name: is taken",
			"routes.0.provider", "routes.1.to", "routes.2.lane", "routes.3.weight", "routes: one without to and lane",
		}},
		"a provider's own settings": {`
providers:
  - name: acme
    http:
      request: {method: GET, url: "https://{to}.acme.example/{body}?text={bodi}", json: {a: "{hunter}"}, form: {b: c}}
      auth: {bearer: a, basic: {user: b}}
      response: {rules: [{class: sent}]}
      lookup: {url: "ftp://acme.example"}
      callback: {secret: hunter2}
`, []string{
			"request.method", "request.url: the host", "request.json: {hunter}", "request.json: form or json", "auth: one of",
			"response.id", "response.rules.0", "lookup.url", "lookup.id", "lookup: needs reference", "callback.secret", "callback: needs id",
		}},
		"tenants, words and hours": {`
tenants:
  "no name": {}
  acme: {numbers: ["tel:hunter2", "(415) 555-0100"], daily_messages: -1, daily_segments: -2, opt_out_reply: "hunter2\u0007"}
keywords: {stop: [yes, "👍"], help: [STOP]}
quiet_hours:
  - {to: ["44"], every_day: hunter2}
  - {every_day: "20:00-09:00"}
`, []string{
			"tenants: a name", "tenants.acme.numbers.0", "tenants.acme.numbers.1", "tenants.acme.daily_messages", "tenants.acme.daily_segments", "tenants.acme.opt_out_reply: a text of at most",
			"keywords.stop.0: means", "keywords.stop.1: 1 to 40", "keywords.help.0: means", "quiet_hours.0.to", "quiet_hours.0: two times", "quiet_hours.1.to", "quiet_hours.1: two times",
		}},
		"none at all":   {"", []string{"providers: there is none"}},
		"two documents": {"providers: []\n---\nproviders: []\n", []string{"more than one document"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := withProviders(t, tt.content)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not said in:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a value is shown in:\n%v", err)
			}
		})
	}
}

func TestTenantsNeedNoProvidersInTheFileAndSayWhatDiffers(t *testing.T) {
	c, err := withProviders(t, `
tenants:
  shop: {numbers: ["+14155550100", "12345"], daily_messages: 0}
  bank: {numbers: ["+14155550100"], daily_segments: 7, opt_out_reply: "Bank: no more.", help_reply: ""}
keywords: {stop: [desvincular]}
quiet_hours: [{to: ["+33"], every_day: "10:00-20:00", sunday: none}]
`, "PROSMS_DAILY_MESSAGES=10", "PROSMS_DAILY_SEGMENTS=20", "PROSMS_HELP_REPLY=Ask us.")
	if err != nil {
		t.Fatal(err)
	}
	numbers, quotas := c.mappedNumbers(), c.ownQuotas()
	if !slices.Equal(numbers["+14155550100"], []string{"bank", "shop"}) || !slices.Equal(numbers["12345"], []string{"shop"}) {
		t.Errorf("numbers are mapped to %v", numbers)
	}
	if quotas["shop"] != (ports.Usage{Segments: 20}) || quotas["bank"] != (ports.Usage{Messages: 10, Segments: 7}) || c.dailyQuota() != (ports.Usage{Messages: 10, Segments: 20}) {
		t.Errorf("quotas are %v, of all others %v", quotas, c.dailyQuota())
	}
	replies := c.replies()
	if replies.Own["shop"] != (commands.Reply{Help: "Ask us."}) || replies.Own["bank"] != (commands.Reply{OptOut: "Bank: no more."}) {
		t.Errorf("replies are %+v", replies)
	}
	if diff := cmp.Diff([]web.Fact{
		{Name: "Tenant bank", Value: "at most 10 messages a day; at most 7 segments a day; 1 number of its own; opt-outs are confirmed; HELP is not answered"},
		{Name: "Tenant shop", Value: "any number of messages a day; at most 20 segments a day; 2 numbers of its own; opt-outs are not confirmed; HELP is answered"},
	}, c.tenantFacts()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if c.Keywords.Read("desvincular").Intent != keywords.OptOut || len(c.QuietRules) != len(quiethours.Regions())+1 {
		t.Error("the words or the hours are not there")
	}
}
