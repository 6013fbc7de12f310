package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/http"
)

// switched is a check that fails while it is set.
type switched struct{ off atomic.Bool }

func (s *switched) check(context.Context) error {
	if s.off.Load() {
		return fmt.Errorf("dialing 10.1.2.3:5432: %w", syscall.ECONNREFUSED)
	}
	return nil
}

func TestReadinessFollowsWhatIsRequired(t *testing.T) {
	var store, broker switched
	w := newWorld(t, func(s *api.Server) {
		s.Checks = []api.Check{{Name: "store", Required: true, Func: store.check}, {Name: "broker", Func: broker.check}}
	})
	for _, tt := range []struct {
		store, broker bool
		status        int
		says          string
	}{
		{true, true, http.StatusOK, "ok"},
		{true, false, http.StatusOK, "degraded"},
		{false, true, http.StatusServiceUnavailable, "unavailable"},
		{false, false, http.StatusServiceUnavailable, "unavailable"},
	} {
		store.off.Store(!tt.store)
		broker.off.Store(!tt.broker)
		a := w.do("GET", "/readyz", "", "Authorization:")
		got := a.decode(t)
		if a.status != tt.status || got["status"] != tt.says {
			t.Errorf("store %v, broker %v: %d %s", tt.store, tt.broker, a.status, a.body)
		}
		if checks := got["checks"].(map[string]any); (checks["broker"].(map[string]any)["status"] == "ok") != tt.broker {
			t.Errorf("store %v, broker %v: %s", tt.store, tt.broker, a.body)
		}
		if strings.Contains(a.body, "10.1.2.3") {
			t.Errorf("it tells strangers where things are: %s", a.body)
		}
		if a := w.do("GET", "/livez", "", "Authorization:"); a.status != http.StatusOK {
			t.Errorf("livez answers %d", a.status)
		}
	}
}

func TestReadinessCanBeReadByPeople(t *testing.T) {
	var store, broker switched
	w := newWorld(t, func(s *api.Server) {
		s.Checks = []api.Check{{Name: "store", Required: true, Func: store.check}, {Name: "broker", Func: broker.check}}
	})
	ask := func() answer { return w.do("GET", "/readyz?verbose", "", "Authorization:") }
	if a := ask(); a.status != http.StatusOK || !regexp.MustCompile(`^\[\+\] store ok in \S+, required\n\[\+\] broker ok in \S+\nreadyz: ok\n$`).MatchString(a.body) {
		t.Errorf("all well: %d %s", a.status, a.body)
	}
	broker.off.Store(true)
	if a := ask(); a.status != http.StatusOK || !regexp.MustCompile(`\n\[-\] broker failed in \S+, last failure: refused, 0s ago\nreadyz: degraded\n$`).MatchString(a.body) {
		t.Errorf("without the broker: %d %s", a.status, a.body)
	}
	store.off.Store(true)
	if a := ask(); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "[-] store failed") || strings.Contains(a.body, "10.1.2.3") {
		t.Errorf("without the store: %d %s", a.status, a.body)
	}
	broker.off.Store(false)
	if a := ask(); !regexp.MustCompile(`\[\+\] broker ok in \S+, last failure: refused, `).MatchString(a.body) {
		t.Errorf("a failure that is over is forgotten: %s", a.body)
	}
}

func TestACheckThatHangsFailsInTimeAndRunsOnlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int64
		release := make(chan struct{})
		handler := api.AdminHandler(http.NotFoundHandler(), http.NotFoundHandler(), []api.Check{{Name: "broker", Func: func(context.Context) error {
			running.Add(1)
			<-release // deaf to its context
			return nil
		}}}, nil)
		ask := func() string {
			r := httptest.NewRecorder()
			handler.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), "GET", "/readyz", nil))
			return r.Body.String()
		}
		start := time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if body := ask(); !strings.Contains(body, "degraded") {
					t.Errorf("answer %s", body)
				}
			})
		}
		all.Wait()
		ask()
		if took := time.Since(start); took > 3*time.Second || running.Load() != 1 {
			t.Errorf("%d checks ran, for %v", running.Load(), took)
		}
		close(release)
		synctest.Wait()
		if body := ask(); !strings.Contains(body, `"ok"`) {
			t.Errorf("answer %s", body)
		}
	})
}

func TestOperatorsGetMetricsProfilesAndHealth(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("sms_dead_letters 0\n")) })
	var flight api.FlightRecorder
	if err := flight.Start(); err != nil {
		t.Fatal(err)
	}
	defer flight.Stop()
	handler := api.AdminHandler(metrics, &flight, nil, nil)
	off := httptest.NewRecorder()
	new(api.FlightRecorder).ServeHTTP(off, httptest.NewRequestWithContext(t.Context(), "GET", "/debug/flight", nil))
	if off.Code != http.StatusServiceUnavailable || !strings.Contains(off.Body.String(), "PROSMS_FLIGHT_RECORDER") {
		t.Errorf("a recorder that is off: %d %s", off.Code, off.Body)
	}
	for path, want := range map[string]string{
		"/metrics": "sms_dead_letters", "/livez": "ok", "/readyz": "ok",
		"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile", "/debug/pprof/cmdline": "",
		"/debug/flight": "go 1.",
	} {
		r := httptest.NewRecorder()
		handler.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		if r.Code != http.StatusOK || !strings.Contains(r.Body.String(), want) {
			t.Errorf("%s: %d", path, r.Code)
		}
		h := r.Header()
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}
