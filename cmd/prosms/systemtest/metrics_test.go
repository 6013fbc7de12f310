package systemtest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/cmd/prosms/systemtest/deployed"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// scrape returns what /metrics says, by series as it is written there.
func (i *instance) scrape() (map[string]float64, string) {
	i.rig.t.Helper()
	response, err := http.Get(i.admin + "/metrics")
	if err != nil {
		i.rig.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		i.rig.t.Fatalf("scraping: %d, %v", response.StatusCode, err)
	}
	series := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(string(body))); lines.Scan(); {
		name, value, ok := cutLast(lines.Text())
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if series[name], err = strconv.ParseFloat(value, 64); err != nil {
			i.rig.t.Fatalf("%s: %v", name, err)
		}
	}
	return series, string(body)
}

func cutLast(line string) (before, after string, ok bool) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 {
		return line, "", false
	}
	return line[:at], line[at+1:], true
}

func TestMetricsShowWhatHappened(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_RETRY_DELAYS=1s,2s")
			gateway := rig.start()
			if _, err := gateway.sendBatch(50); err != nil {
				t.Fatal(err)
			}
			var answer struct{ ID string }
			const number, body = "+14155550199", "canary of the metrics"
			if _, err := gateway.call("POST", "/v1/messages", outgoing{To: number, Body: body, Lane: "high"}, &answer); err != nil {
				t.Fatal(err)
			}
			if status, err := gateway.call("GET", "/v1/messages?to=%2B14155550199", nil, nil); err != nil || status != http.StatusOK {
				t.Fatalf("listing: %d, %v", status, err)
			}
			want := map[string]float64{
				`sms_messages_total{status="accepted"}`:                   51,
				`sms_messages_total{status="dead_lettered"}`:              0,
				`sms_dispatch_total{provider="twilio",result="success"}`:  51,
				`sms_dispatch_total{provider="twilio",result="fail"}`:     0,
				`sms_dispatch_total{provider="sandbox",result="success"}`: 0,
				`sms_delivery_latency_seconds_count{lane="high"}`:         1,
				`sms_delivery_latency_seconds_count{lane="normal"}`:       50,
				`sms_retries_total`:                                    0,
				`sms_opt_outs_total`:                                   0,
				`sms_messages_total{status="delivered"}`:               51,
				`relay_lag_events`:                                     0,
				`projection_lag_events{projection="messages"}`:         0,
				`sms_dead_letters`:                                     0,
				`sms_in_doubt`:                                         0,
				`sms_messages_waiting{lane="bulk"}`:                    0,
				`rate_limited_total`:                                   0,
				`circuit_breaker_state{provider="twilio"}`:             0,
				`projection_lag_events{projection="keys"}`:             0,
				`rabbitmq_queue_depth{queue="sms.dispatch.high"}`:      0,
				`rabbitmq_queue_depth{queue="sms.events.projections"}`: 0,
				`rabbitmq_queue_depth{queue="sms.dlq"}`:                0,
				`http_request_duration_seconds_count{method="POST",route="/v1/messages",status="2xx"}`: 1,
				`metrics_sample_errors_total{source="rabbitmq_queue_depth"}`:                           0,
			}
			var series map[string]float64
			var text string
			wrong := func() []string {
				series, text = gateway.scrape()
				var wrong []string
				for name, value := range want {
					if got, ok := series[name]; !ok || got != value {
						wrong = append(wrong, fmt.Sprintf("%s = %v, there: %t; want %v", name, got, ok, value))
					}
				}
				return wrong
			}
			deadline := time.Now().Add(30 * time.Second)
			for faults := wrong(); len(faults) > 0; faults = wrong() { // gauges are read every 5 s
				if time.Now().After(deadline) {
					t.Fatal(strings.Join(faults, "\n"))
				}
				time.Sleep(200 * time.Millisecond)
			}
			if got, ok := series[`rabbitmq_queue_depth{queue="sms.retry.1s"}`]; ok != full || got != 0 {
				t.Errorf("depth of a retry tier = %v, there: %t; want 0 at a broker alone", got, ok)
			}
			if got, ok := series["db_connection_pool_usage"]; !ok || got < 0 || got > 1 {
				t.Errorf("db_connection_pool_usage = %v, there: %t; want 0 to 1", got, ok)
			}
			// Four events a text, in fewer commits.
			if got := series["event_append_batch_size_sum"]; got != 4*51 {
				t.Errorf("events appended = %v, want %d", got, 4*51)
			}
			if got, size := series["event_append_seconds_count"], series["event_append_batch_size_count"]; got < size || size == 0 || series["event_append_seconds_sum"] <= 0 {
				t.Errorf("commits measured: %v in time, %v in size", got, size)
			}
			if took := series[`sms_delivery_latency_seconds_sum{lane="normal"}`]; took <= 0 || took > 50*30 {
				t.Errorf("50 deliveries took %v s together", took)
			}
			for _, name := range deployed.Contract() {
				if !strings.Contains(text, "\n"+name+" ") && !strings.Contains(text, "\n"+name+"{") && !strings.Contains(text, "\n"+name+"_count") {
					t.Errorf("%s is not exposed", name)
				}
			}
			for _, secret := range []string{number, number[1:], body, answer.ID, "4155550199"} {
				if strings.Contains(text, secret) {
					t.Errorf("/metrics has %q", secret)
				}
			}
			gateway.stop()
		})
	}
}

func TestAScrapeGoesOnWithoutBrokerAndStore(t *testing.T) {
	t.Parallel()
	brokerAddress, _ := servers.RabbitMQ(t)
	broker, store := newCable(t, hostOf(t, brokerAddress)), newCable(t, hostOf(t, servers.Postgres(t)))
	rig := newRig(t, true)
	rig.replace("RABBITMQ_URL", broker.through(brokerAddress))
	rig.replace("DATABASE_URL", store.through(rig.value("DATABASE_URL")))
	gateway := rig.start()
	const depth, inDoubt, lag = `rabbitmq_queue_depth{queue="sms.dispatch.high"}`, "sms_in_doubt", "relay_lag_events"
	has := func(want bool) func() bool {
		return func() bool {
			start := time.Now()
			series, _ := gateway.scrape()
			if took := time.Since(start); took > busy*5*time.Second {
				t.Errorf("a scrape took %s", took)
			}
			if _, ok := series["sms_retries_total"]; !ok {
				t.Error("a counter is gone with the servers")
			}
			for _, gauge := range []string{depth, inDoubt, lag} {
				if _, ok := series[gauge]; ok != want {
					return false
				}
			}
			return want || series[`metrics_sample_errors_total{source="rabbitmq_queue_depth"}`] > 0 && series[`metrics_sample_errors_total{source="sms_in_doubt"}`] > 0
		}
	}
	eventually(t, 10*time.Second, "measured", has(true))
	broker.pull()
	store.pull()
	eventually(t, 20*time.Second, "absent, and counted", has(false))
	broker.plug()
	store.plug()
	eventually(t, 30*time.Second, "measured again", has(true))
	gateway.stop()
}
