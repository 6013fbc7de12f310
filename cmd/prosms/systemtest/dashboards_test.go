package systemtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/cmd/prosms/systemtest/deployed"
)

// operands takes an alert's expression apart at what makes it hold only in trouble:
// what is compared and joined has to have data at any time.
func operands(expression string) []string {
	var parts []string
	for _, part := range regexp.MustCompile(`\s(?:and|or|==|<|>)\s`).Split(expression, -1) {
		if len(deployed.MetricsIn(part)) > 0 {
			parts = append(parts, strings.TrimSpace(part))
		}
	}
	return parts
}

func TestAlertsAreTakenApart(t *testing.T) {
	t.Parallel()
	got := operands(`sum(a{b="c"}) > 0.1 * 2 and sum by (x) (rate(e[5m])) == 0 or f < 0.1 * g`)
	if want := []string{`sum(a{b="c"})`, `sum by (x) (rate(e[5m]))`, `f`, `0.1 * g`}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// quietMetrics may be 0 all the time while all is well.
var quietMetrics = regexp.MustCompile(`relay_lag|projection_lag|projection_stopped|events_unreadable|queue_depth|messages_waiting|foreign_frames|pool_usage|pumped_prefixes|delivery_slow|^1 - sum\(rate\(sms_delivery_latency`)

// A gateway lives through everything that a dashboard or an alert is about, under a
// Prometheus. Then each of their queries has data, and where it is about something
// that happened, more than zero.
func TestEveryQueryOfDashboardsAndAlertsHasData(t *testing.T) {
	t.Parallel()
	prometheusProgram(t)
	spans := newReceiver(t)
	rig := newRig(t, true, "PROSMS_RETRY_DELAYS=1s,2s", "PROSMS_RECONCILE_DELAYS=20s", "PROSMS_PROVIDER_TIMEOUT=3s", "PROSMS_BREAKER_COOLDOWN=10s", "PROSMS_WEBHOOK_ALLOW_PRIVATE=true",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "PROSMS_CONFIG="+capOf(t, "small"))
	store, provider := newCable(t, hostOf(t, rig.value("DATABASE_URL"))), newCable(t, hostOf(t, rig.value("TWILIO_API_BASE_URL")))
	rig.replace("DATABASE_URL", store.through(rig.value("DATABASE_URL")))
	rig.replace("TWILIO_API_BASE_URL", provider.through(rig.value("TWILIO_API_BASE_URL")))
	gateway := rig.start()
	server := startPrometheus(t, map[string]string{"prosms": strings.TrimPrefix(gateway.admin, "http://"), "rabbitmq": standIn(t)})

	gateway.liveThroughEverything()
	store.pull()
	eventually(t, 20*time.Second, "an error of ours, and gauges that cannot be read", func() bool {
		status, err := gateway.call("POST", "/v1/messages", rig.plain(1)[0], nil)
		errors, _ := server.query(`sum(metrics_sample_errors_total{source="sms_in_doubt"})`)
		return err == nil && status == http.StatusServiceUnavailable && len(errors) == 1 && errors[0] > 0
	})
	store.plug()
	eventually(t, 20*time.Second, "ready again", gateway.ready)
	provider.pull()
	if _, err := gateway.sendBatch(60); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "an open breaker seen", func() bool {
		states, _ := server.query("max_over_time(circuit_breaker_state[1m])")
		return slices.Contains(states, 1)
	})

	asked := 0
	for where, expressions := range deployed.Queries(t) {
		for _, expression := range expressions {
			parts := []string{strings.ReplaceAll(expression, "$__rate_interval", "1m")}
			if strings.HasSuffix(where, "alerts.yml") {
				parts = operands(expression)
			}
			for _, part := range parts {
				asked++
				if err := server.expectData(part); err != nil {
					t.Errorf("%s: %s: %v", where, part, err)
				}
			}
		}
	}
	ids, err := server.exemplars("sms_delivery_latency_seconds_bucket")
	if err != nil || !slices.ContainsFunc(ids, func(id string) bool { return len(spans.trace(id)) > 0 }) {
		t.Errorf("no exemplar of a latency leads to a trace: %d exemplars, %v", len(ids), err)
	}
	t.Logf("%d queries have data; %d exemplars of latencies", asked, len(ids))
	provider.plug()
	gateway.stop()
}

// capOf writes a configuration by which a tenant has a text a day.
func capOf(t *testing.T, tenant string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "prosms.yml")
	if err := os.WriteFile(file, []byte("tenants:\n  "+tenant+":\n    daily_messages: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// expectData waits a moment for what expression had within the last minutes.
func (p prometheus) expectData(expression string) error {
	var values []float64
	var err error
	for deadline := time.Now().Add(6 * time.Second); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		values, err = p.query("max_over_time((" + expression + ")[2m:1s])")
		if err != nil {
			return err
		}
		if len(values) > 0 && (slices.Max(values) > 0 || quietMetrics.MatchString(expression)) {
			return nil
		}
	}
	return fmt.Errorf("no data, or never more than zero: %v", values)
}

// liveThroughEverything sends texts of all lanes, of which some are retried, given
// up, in doubt, refused by a limit and never sent, for their recipient has opted out.
func (i *instance) liveThroughEverything() {
	t := i.rig.t
	t.Helper()
	send := func(status int, text outgoing) {
		t.Helper()
		if got, err := i.call("POST", "/v1/messages", text, nil); err != nil || got != status {
			t.Fatalf("sending: %d, %v; want %d", got, err, status)
		}
	}
	for _, lane := range []string{"high", "bulk"} {
		text := i.rig.plain(1)[0]
		text.Lane = lane
		send(http.StatusAccepted, text)
	}
	for _, to := range []string{sandbox.ToThrottled, sandbox.ToHangs, sandbox.ToUndelivered, "+15005550009"} {
		send(http.StatusAccepted, outgoing{To: to, Body: "an adventure"})
	}
	customer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(customer.Close)
	told := map[string]string{"to": "+14155550150", "body": "tell me", "callback_url": customer.URL}
	if status, err := i.call("POST", "/v1/messages", told, nil); err != nil || status != http.StatusAccepted {
		t.Fatalf("sending with a callback: %d, %v", status, err)
	}
	ids, err := i.sendBatch(200)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := i.call("PUT", "/v1/opt-outs/+14155550123", struct{}{}, nil); err != nil || status/100 != 2 {
		t.Fatalf("opting out: %d, %v", status, err)
	}
	// limited sends a request with a key of its own until it is refused.
	limited := func(what, method, body string, key ...string) {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(i.rig.command(append([]string{"keys", "create"}, key...)...)), "\n")
		eventually(t, 10*time.Second, "refused by "+what, func() bool {
			request, err := http.NewRequest(method, i.url+"/v1/messages", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = http.Header{"Authorization": {"Bearer " + lines[len(lines)-1]}, "Content-Type": {"application/json"}}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return false
			}
			defer response.Body.Close()
			return response.StatusCode == http.StatusTooManyRequests
		})
	}
	limited("the key's rate", "GET", "", "--tenant", "acme", "--scope", "messages:read", "--rate", "1")
	limited("the tenant's day", "POST", `{"to":"+14155550151","body":"once"}`, "--tenant", "small", "--scope", "messages:write")
	eventually(t, 20*time.Second, "delivered", func() bool { return i.statusOf(ids[0]) == "delivered" && i.statusOf(ids[199]) == "delivered" })
	eventually(t, 20*time.Second, "given up, and in doubt", func() bool { return i.any("dead_lettered") && i.any("in_doubt") })
}
