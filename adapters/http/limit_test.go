package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// limited is a world that allows 2 requests a second by key and 1 without one,
// while the clock stands still.
func limited(t *testing.T) *world {
	now := time.Now()
	return newWorld(t, func(s *api.Server) {
		s.Limiter = &memory.Limiter{Now: func() time.Time { return now }}
		s.RatePerKey, s.RatePerIP = 2, 1
		s.Twilio = webhooks
	})
}

func TestAKeyMayBurstTwiceItsRateAndIsToldWhereItStands(t *testing.T) {
	w := limited(t)
	for left := 3; left >= 0; left-- {
		a := w.do("GET", "/v1/messages", "")
		if want := `"key";r=` + strconv.Itoa(left) + `;t=`; a.status != http.StatusOK || a.header.Get("RateLimit")[:len(want)] != want {
			t.Errorf("answer %d, RateLimit %s, want %s", a.status, a.header.Get("RateLimit"), want)
		}
		if policy := a.header.Get("RateLimit-Policy"); policy != `"key";q=4;w=2` {
			t.Errorf("policy %s", policy)
		}
	}
	a := w.do("GET", "/v1/messages", "")
	if a.status != http.StatusTooManyRequests || a.problem(t).Code != "rate_limited" {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	if a.header.Get("Retry-After") != "1" || a.header.Get("RateLimit") != `"key";r=0;t=1` {
		t.Errorf("Retry-After %s, RateLimit %s", a.header.Get("Retry-After"), a.header.Get("RateLimit"))
	}
	w.key = w.newKey("acme", domain.ScopeRead)
	if a := w.do("GET", "/v1/messages", ""); a.status != http.StatusOK {
		t.Errorf("another key of the tenant is answered %d", a.status)
	}
}

func TestTheAddressIsLimitedOnlyWithoutAValidKey(t *testing.T) {
	w := limited(t)
	strangers := []struct{ method, path, header string }{
		{"GET", "/v1/messages", "Authorization:"},
		{"GET", "/v1/unknown", "Authorization: Bearer psk_live_nobody_secret"},
	}
	for _, s := range strangers {
		if a := w.do(s.method, s.path, "", s.header); a.status == http.StatusTooManyRequests || a.header.Get("RateLimit-Policy") != `"ip";q=2;w=2` {
			t.Fatalf("%s %s: %d, policy %s", s.method, s.path, a.status, a.header.Get("RateLimit-Policy"))
		}
	}
	for _, s := range append(strangers, []struct{ method, path, header string }{
		{"GET", "/docs", "Authorization:"},
		{"GET", "/openapi.json", "Authorization:"},
		{"DELETE", "/v1/messages", "Authorization:"},
		{"POST", "/webhooks/twilio/status", "X-Twilio-Signature: forged"},
	}...) {
		if a := w.do(s.method, s.path, "", s.header); a.status != http.StatusTooManyRequests {
			t.Errorf("%s %s: %d", s.method, s.path, a.status)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/livez", "/readyz"} {
		if a := w.do("GET", path, "", "Authorization:"); a.status != http.StatusOK || a.header.Get("RateLimit") != "" {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for range 5 {
		if a := w.callBack("?m=msg_0&a=1", delivered); a.status != http.StatusNoContent {
			t.Errorf("a signed webhook is answered %d", a.status)
		}
	}
	if a := w.do("GET", "/v1/messages", ""); a.status != http.StatusOK {
		t.Errorf("a valid key is answered %d", a.status)
	}
	if a := w.do("GET", "/docs", ""); a.status != http.StatusOK {
		t.Errorf("the page with a valid key is answered %d", a.status)
	}
}

func TestALimitOfZeroIsNone(t *testing.T) {
	w := newWorld(t, func(s *api.Server) { s.Limiter = new(memory.Limiter) })
	for range 20 {
		if a := w.do("GET", "/v1/messages", ""); a.status != http.StatusOK || a.header.Get("RateLimit") != "" {
			t.Fatalf("answer %d, RateLimit %s", a.status, a.header.Get("RateLimit"))
		}
	}
}

func TestATenantIsLimitedOverAllItsKeys(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(s *api.Server) {
		s.Limiter = &memory.Limiter{Now: func() time.Time { return now }}
		s.RatePerKey, s.RatePerTenant = 2, 3
	})
	ask := func(status int, limit string) {
		t.Helper()
		a := w.do("GET", "/v1/messages", "")
		if a.status != status || !strings.HasPrefix(a.header.Get("RateLimit"), limit) || a.header.Get("RateLimit-Policy") != `"key";q=4;w=2, "tenant";q=6;w=2` {
			t.Errorf("answer %d, RateLimit %s of %s; want %d, %s", a.status, a.header.Get("RateLimit"), a.header.Get("RateLimit-Policy"), status, limit)
		}
	}
	for range 4 {
		ask(http.StatusOK, `"key";`)
	}
	ask(http.StatusTooManyRequests, `"key";r=0`) // which takes nothing from the tenant
	w.key = w.newKey("acme", domain.ScopeRead)
	ask(http.StatusOK, `"tenant";r=1`)
	ask(http.StatusOK, `"tenant";r=0`)
	ask(http.StatusTooManyRequests, `"tenant";r=0`)
	w.key = w.newKey("other", domain.ScopeRead)
	ask(http.StatusOK, `"key";r=3`)
}

func TestAPausedPrefixIs429WithTheTimeUntilItsPauseIsOver(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	w.commands.Now = func() time.Time { return now }
	w.commands.Fuse = &commands.Fuse{Store: w.store, Rule: fuse.Rule{Digits: 4}, Now: w.commands.Now, Interval: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	blown := events.FuseBlown{Tenant: "acme", Prefix: number[:len(number)-4], Texts: 50, Paused: true, At: now, Until: now.Add(time.Hour)}
	if _, err := w.store.EventStore.Append(t.Context(), ports.Write{StreamID: "fuse_2030-01-31", Events: []events.Event{blown}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.commands.Fuse.Run(ctx) }()
	for paused := 0; paused == 0; paused, _ = w.commands.Fuse.Blown() {
		runtime.Gosched()
	}
	a := w.do("POST", "/v1/messages", `{"to":"`+number+`","body":"hello"}`)
	if a.status != http.StatusTooManyRequests || a.problem(t).Code != "prefix_paused" || a.header.Get("Retry-After") != "3600" {
		t.Errorf("answer %d %s, Retry-After %s", a.status, a.body, a.header.Get("Retry-After"))
	}
	batch := w.do("POST", "/v1/messages/batch", `{"messages":[{"to":"`+number+`","body":"hello"},{"to":"+12125552671","body":"hello"}]}`)
	if batch.status != http.StatusAccepted || strings.Count(string(batch.body), `"prefix_paused"`) != 1 || !strings.Contains(string(batch.body), `"retry_after":3600`) {
		t.Errorf("the batch is answered %d %s", batch.status, batch.body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestADayThatIsUsedUpIs429WithTheTimeUntilTheNext(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2030, 1, 31, 23, 59, 0, 0, time.UTC)
	w.commands.Now = func() time.Time { return now }
	w.commands.Quotas = &commands.Quotas{
		Quota: new(memory.Quota), Default: ports.Usage{Messages: 2},
		Used: func(context.Context, string, time.Time) (ports.Usage, error) { return ports.Usage{}, nil },
	}
	text := `{"to":"` + number + `","body":"hello"}`
	batch := w.do("POST", "/v1/messages/batch", `{"messages":[`+text+`,`+text+`,`+text+`]}`)
	if batch.status != http.StatusAccepted || strings.Count(string(batch.body), `"quota_exceeded"`) != 1 || !strings.Contains(string(batch.body), `"retry_after":60`) {
		t.Errorf("the batch is answered %d %s", batch.status, batch.body)
	}
	a := w.do("POST", "/v1/messages", text)
	if a.status != http.StatusTooManyRequests || a.problem(t).Code != "quota_exceeded" || a.header.Get("Retry-After") != "60" {
		t.Errorf("answer %d %s, Retry-After %s", a.status, a.body, a.header.Get("Retry-After"))
	}
	now = now.Add(time.Minute)
	if a := w.do("POST", "/v1/messages", text); a.status != http.StatusAccepted {
		t.Errorf("the next day is answered %d %s", a.status, a.body)
	}
}
