package twilio_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// listed is a message in a list; a zero field is what the attempt's would be.
type listed struct {
	n         int           // makes the SID
	after     time.Duration // created so long after the attempt
	body      string        // "-" means an erased one
	from      string        // "-" means null
	service   string
	direction string
	to        string
	created   string // in place of after
}

func sidOf(n int) string {
	return "SM" + strings.Repeat("0", 24) + strconv.Itoa(10_000_000+n)
}

func (l listed) json() map[string]any {
	or := func(s, otherwise string) any {
		switch s {
		case "":
			return otherwise
		case "-":
			return nil
		}
		return s
	}
	body := or(l.body, string(text.Body))
	if body == nil {
		body = ""
	}
	return map[string]any{
		"sid": sidOf(l.n), "body": body, "to": or(l.to, string(text.To)), "from": or(l.from, "+15005550006"),
		"messaging_service_sid": or(l.service, ""), "direction": or(l.direction, "outbound-api"),
		"date_created": or(l.created, now.Add(l.after).Format(time.RFC1123Z)), "status": "queued", "date_sent": nil,
	}
}

// listing answers with pages of messages.
func listing(pages ...[]listed) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("Page"))
		messages := []any{}
		for _, l := range pages[n] {
			messages = append(messages, l.json())
		}
		doc := map[string]any{"messages": messages, "page": n, "next_page_uri": nil}
		if n+1 < len(pages) {
			q := r.URL.Query()
			q.Set("Page", strconv.Itoa(n+1))
			q.Set("PageToken", "PA"+strconv.Itoa(n))
			doc["next_page_uri"] = r.URL.Path + "?" + q.Encode()
		}
		body, _ := json.Marshal(doc)
		reply(200, string(body), "Date: "+now.Format(http.TimeFormat))(w, r)
	}
}

func attempt() ports.Lookup { return ports.Lookup{Text: text, AttemptedAt: now} }

func TestFindTakesWhatCanOnlyBeTheAttempt(t *testing.T) {
	t.Parallel()
	only := func(n int) ports.Found { return ports.Found{ProviderMessageID: sidOf(n)} }
	none := ports.Found{}
	viaService := twilio.Config{MessagingServiceSID: service}
	for _, tt := range []struct {
		name   string
		config twilio.Config
		from   string // of the text
		list   []listed
		want   ports.Found
	}{
		{"nothing", twilio.Config{}, "", nil, none},
		{"the attempt", twilio.Config{}, "", []listed{{n: 1, after: time.Second}}, only(1)},
		{"the same second, which Twilio cuts", twilio.Config{}, "", []listed{{n: 1, after: -time.Second}}, only(1)},
		{"five seconds before", twilio.Config{}, "", []listed{{n: 1, after: -5 * time.Second}}, only(1)},
		{"too early", twilio.Config{}, "", []listed{{n: 1, after: -6 * time.Second}}, none},
		{"timeout and thirty seconds after", twilio.Config{Timeout: 10 * time.Second}, "", []listed{{n: 1, after: 40 * time.Second}}, only(1)},
		{"too late", twilio.Config{Timeout: 10 * time.Second}, "", []listed{{n: 1, after: 41 * time.Second}}, none},
		{"another text", twilio.Config{}, "", []listed{{n: 1, body: "Bye"}}, none},
		{"one that begins alike", twilio.Config{}, "", []listed{{n: 1, body: string(text.Body) + "!"}}, none},
		{"a trial account's prefix", twilio.Config{}, "", []listed{{n: 1, body: "Sent from your Twilio trial account - " + string(text.Body)}}, only(1)},
		{"another recipient", twilio.Config{}, "", []listed{{n: 1, to: "+14155550199"}}, none},
		{"another sender", twilio.Config{}, "", []listed{{n: 1, from: "+14155550000"}}, none},
		{"a text to us", twilio.Config{}, "", []listed{{n: 1, direction: "inbound"}}, none},
		{"a reply", twilio.Config{}, "", []listed{{n: 1, direction: "outbound-reply"}}, none},
		{"the text's own sender", twilio.Config{}, "ACME", []listed{{n: 1}, {n: 2, from: "ACME"}}, only(2)},
		{"a service that has not chosen a sender", viaService, "", []listed{{n: 1, from: "-", service: service}}, only(1)},
		{"a service that has chosen one", viaService, "", []listed{{n: 1, from: "+14155550077", service: service}}, only(1)},
		{"another service", viaService, "", []listed{{n: 1, from: "-", service: strings.Replace(service, "0", "f", 1)}}, none},
		{"the number that was the default before there was a service", twilio.Config{From: "+15005550006", MessagingServiceSID: service}, "", []listed{{n: 1}}, only(1)},
		{"several: the earliest", twilio.Config{}, "", []listed{{n: 3, after: 3 * time.Second}, {n: 1, after: 2 * time.Second}, {n: 2, after: time.Second}}, ports.Found{ProviderMessageID: sidOf(2), Ambiguous: true}},
		{"the same one twice, as pages shift", twilio.Config{}, "", []listed{{n: 1}, {n: 1}}, only(1)},
		{"an erased body, alone", twilio.Config{}, "", []listed{{n: 1, body: "-"}}, ports.Found{ProviderMessageID: sidOf(1), Ambiguous: true}},
		{"an erased body beside the real one", twilio.Config{}, "", []listed{{n: 1, body: "-"}, {n: 2}}, only(2)},
		{"an unreadable time of another text", twilio.Config{}, "", []listed{{n: 1, body: "Bye", created: "?"}}, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			baseURL, _ := fakeTwilio(t, listing(tt.list))
			tt.config.BaseURL = baseURL
			asked := attempt()
			asked.From = events.Personal(tt.from)
			if got, err := open(t, tt.config).Find(t.Context(), asked); err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestFindSkipsWhatIsBoundToAnotherAttempt(t *testing.T) {
	t.Parallel()
	baseURL, _ := fakeTwilio(t, listing([]listed{{n: 1}, {n: 2}}))
	asked := attempt()
	asked.Bound = func(id string) bool { return id == sidOf(1) }
	got, err := open(t, twilio.Config{BaseURL: baseURL}).Find(t.Context(), asked)
	if want := (ports.Found{ProviderMessageID: sidOf(2)}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestFindAllowsForClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		list := listing([]listed{{n: 1, after: skew}})
		baseURL, _ := fakeTwilio(t, func(w http.ResponseWriter, r *http.Request) {
			list(dated{w, now.Add(skew)}, r)
		})
		got, err := open(t, twilio.Config{BaseURL: baseURL}).Find(t.Context(), attempt())
		if err != nil || got.ProviderMessageID != sidOf(1) {
			t.Errorf("%v off: got %+v, %v", skew, got, err)
		}
	}
}

// dated overrides the Date of an answer.
type dated struct {
	http.ResponseWriter
	at time.Time
}

func (d dated) WriteHeader(status int) {
	d.Header().Set("Date", d.at.Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

func TestFindAsksForTheNumberAndNotForADate(t *testing.T) {
	t.Parallel()
	baseURL, requests := fakeTwilio(t, listing([]listed{{n: 9, after: time.Hour}}, []listed{{n: 1}}))
	asked := attempt()
	asked.From = "+14155550000"
	if _, err := open(t, twilio.Config{BaseURL: baseURL}).Find(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	for i, want := range []url.Values{
		{"To": {"+14155550100"}, "From": {"+14155550000"}, "PageSize": {"50"}},
		{"To": {"+14155550100"}, "From": {"+14155550000"}, "PageSize": {"50"}, "Page": {"1"}, "PageToken": {"PA0"}},
	} {
		r := <-requests
		if wanted := path + "?" + want.Encode(); r.method != http.MethodGet || r.uri != wanted {
			t.Errorf("page %d: %s %s, want GET %s", i, r.method, r.uri, wanted)
		}
	}
}

func TestFindReadsAsFarAsTheWindowReaches(t *testing.T) {
	t.Parallel()
	var later []listed
	for n := range 50 {
		later = append(later, listed{n: 100 + n, after: time.Hour})
	}
	early := []listed{{n: 3, after: -time.Hour}}
	baseURL, requests := fakeTwilio(t, listing(later, []listed{{n: 2, body: "Bye"}}, []listed{{n: 1}}, early, []listed{{n: 4}}))
	got, err := open(t, twilio.Config{BaseURL: baseURL}).Find(t.Context(), attempt())
	if err != nil || got.ProviderMessageID != sidOf(1) {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(requests) != 4 {
		t.Errorf("%d pages were read, want 4: the fourth is wholly before the window", len(requests))
	}
}

func TestFindDoesNotTakeAMissingAnswerForNoTrace(t *testing.T) {
	t.Parallel()
	endless := func(body string) http.HandlerFunc {
		pages := make([][]listed, 21)
		for i := range pages {
			pages[i] = []listed{{n: i, after: time.Hour, body: body}}
		}
		return listing(pages...)
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"server error", reply(503, html), "http status 503"},
		{"too fast", reply(429, `{"code":20429}`), "code 20429"},
		{"no JSON", reply(200, html), "unreadable"},
		{"a document without a list", reply(200, `{}`), "unreadable"},
		{"a cut document", reply(200, `{"messages":[`), "unreadable"},
		{"a connection lost", reply(200, `{"messages":[]}`, "Content-Length: 4000"), "unexpected EOF"},
		{"one that fits, of an unreadable time", listing([]listed{{n: 1, created: "?"}}), "unreadable"},
		{"several with erased bodies", listing([]listed{{n: 1, body: "-"}, {n: 2, body: "-"}}), "unreadable"},
		{"a list that does not end", endless(""), "too many"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			baseURL, _ := fakeTwilio(t, tt.answer)
			got, err := open(t, twilio.Config{BaseURL: baseURL}).Find(t.Context(), attempt())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %+v, %v; want an error with %q", got, err, tt.want)
			}
			if shown := err.Error(); strings.Contains(shown, "4155550100") || strings.Contains(shown, "Hello") {
				t.Error("the error shows number or body")
			}
			if errors.Is(err, ports.ErrNoLookup) {
				t.Error("the error says that the provider can never be asked")
			}
		})
	}
}

func TestFindSaysWhenTheAccountCannotBeAsked(t *testing.T) {
	t.Parallel()
	baseURL, _ := fakeTwilio(t, reply(403, `{"code":20008}`))
	if _, err := open(t, twilio.Config{BaseURL: baseURL}).Find(t.Context(), attempt()); !errors.Is(err, ports.ErrNoLookup) {
		t.Errorf("got %v", err)
	}
}

func TestFindHidesTheNumberWhenNobodyListens(t *testing.T) {
	t.Parallel()
	_, err := open(t, twilio.Config{BaseURL: closedPort(t)}).Find(t.Context(), attempt())
	if err == nil || strings.Contains(err.Error(), "4155550100") {
		t.Errorf("got %v", err)
	}
}

// After a restored backup an attempt may have been made at any time up to now.
func TestFindLooksAsFarAsTheAttemptMayHaveBeenMade(t *testing.T) {
	t.Parallel()
	baseURL, _ := fakeTwilio(t, listing([]listed{{n: 1, after: 3 * time.Hour}}))
	p := open(t, twilio.Config{BaseURL: baseURL})
	a := attempt()
	if got, err := p.Find(t.Context(), a); err != nil || got.ProviderMessageID != "" {
		t.Errorf("of an attempt hours before: got %+v, %v", got, err)
	}
	a.Until = a.AttemptedAt.Add(3 * time.Hour)
	if got, err := p.Find(t.Context(), a); err != nil || got.ProviderMessageID != sidOf(1) {
		t.Errorf("up to then: got %+v, %v", got, err)
	}
}
