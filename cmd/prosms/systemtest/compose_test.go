package systemtest

import (
	"encoding/hex"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"gopkg.in/yaml.v3"
)

// composed is a service of the stack, as docker-compose.yml starts it.
type composed struct {
	Build       struct{ Target string }
	Command     []string
	Environment map[string]string
}

// stackServices reads the services that run prosms, with the defaults of their variables.
func stackServices(t *testing.T) map[string]composed {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	content = regexp.MustCompile(`\$\{[A-Z0-9_]+:-([^}]*)\}`).ReplaceAll(content, []byte("$1"))
	var file struct{ Services map[string]composed }
	if err := yaml.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(file.Services, func(_ string, s composed) bool { return s.Build.Target != "prosms" })
	return file.Services
}

// environOf is the environment of a service, with the addresses of the rig's servers
// in place of the stack's. Each has to have one: what a service is not told in the
// file it does not learn here.
func (r *rig) environOf(s composed) []string {
	var environ []string
	for name, value := range s.Environment {
		for _, own := range []string{"DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", "TWILIO_API_BASE_URL", "TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
			if name == own {
				value = r.value(name)
			}
		}
		environ = append(environ, name+"="+value)
	}
	// Of the test alone: others use the same broker, and a batch of spans is sent soon.
	return append(environ, "PROSMS_RABBITMQ_PREFIX="+r.value("PROSMS_RABBITMQ_PREFIX"), "OTEL_BSP_SCHEDULE_DELAY=100")
}

// The services of the stack are started as processes, by their own command lines and
// environments. A text goes from the process of the API over the one that relays to
// the one that sends, its receipt comes back, and all of that is one trace.
func TestTheRolesOfComposeWorkAsSeparateProcesses(t *testing.T) {
	t.Parallel()
	spans := newReceiver(t)
	rig := newRig(t, true, "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL)
	services := stackServices(t)
	api := freeAddr(t)
	migrated := rig.spawn(api, services["migrate"].Command, rig.environOf(services["migrate"]))
	if <-migrated.exited; migrated.err != nil {
		t.Fatalf("migrating: %v", migrated.err)
	}
	running := map[string]*instance{}
	for name, s := range services {
		if s.Command[0] == "serve" {
			// All are told the address of the API; only one may take it.
			running[name] = rig.spawn(api, s.Command, rig.environOf(s))
		}
	}
	if want, got := []string{"api", "dispatch", "work"}, slices.Sorted(maps.Keys(running)); !slices.Equal(got, want) {
		t.Fatalf("the services that serve are %q, want %q", got, want)
	}
	for name, i := range running {
		eventually(t, 20*time.Second, name+" ready", func() bool { return answersWell(i.admin + "/readyz") })
	}
	eventually(t, 10*time.Second, "the API ready", running["api"].ready)

	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	var answer struct{ ID string }
	header := http.Header{"Traceparent": {"00-" + traceID + "-00f067aa0ba902b7-01"}}
	if status, err := running["api"].callWith(header, "POST", "/v1/messages", rig.plain(1)[0], &answer); err != nil || status != http.StatusAccepted {
		t.Fatalf("sending: %d, %v", status, err)
	}
	// By itself: what a frame of several texts spends on them is no one text's trace.
	eventually(t, 20*time.Second, "delivered", func() bool { return running["api"].statusOf(answer.ID) == "delivered" })
	ids, err := running["api"].sendBatch(100)
	if err != nil {
		t.Fatal(err)
	}
	running["api"].expectAllDelivered(append(ids, answer.ID), 30*time.Second)

	bench := services["load"]
	for i, word := range bench.Command {
		bench.Command[i] = strings.Replace(word, "http://api:8080", "http://"+api, 1)
	}
	load := rig.spawn(api, append(bench.Command, "--texts", "40", "--time", "20s"), rig.environOf(bench))
	if <-load.exited; load.err != nil || !strings.Contains(load.output.String(), "texts        40 in ") {
		t.Errorf("the load generator: %v\n%s", load.err, load.output)
	}
	// Its texts went to the sandbox within dispatch, whose receipts come to the API.
	eventually(t, 20*time.Second, "receipts of all texts", func() bool {
		series, _ := running["api"].scrape()
		return series[`sms_messages_total{status="delivered"}`] == 1+100+40
	})
	for _, i := range running {
		i.stop()
	}
	trace := spans.trace(traceID)
	from, _ := hex.DecodeString("00f067aa0ba902b7")
	t.Log("the trace\n" + tree(trace, from, ""))
	for _, name := range []string{"POST /v1/messages", "publish sms.dispatch.normal", "claim sms.dispatch.normal", "send twilio", "append message.delivered"} {
		if !slices.ContainsFunc(trace, func(s *otlp.Span) bool { return s.Name == name }) {
			t.Errorf("the trace has no span %q", name)
		}
	}
}
