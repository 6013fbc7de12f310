// Package deployed reads the files of deploy/ that watch over an installation, for
// tests that hold them against what prosms measures.
package deployed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// File returns a file of deploy/.
func File(t *testing.T, name string) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			t.Fatal("these tests run within the repository")
		}
		root = parent
	}
	content, err := os.ReadFile(filepath.Join(root, "deploy", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Contract returns the metrics that users and their own dashboards rely on.
func Contract() []string {
	return []string{
		"sms_dispatch_total", "sms_delivery_latency_seconds", "rabbitmq_queue_depth", "circuit_breaker_state", "db_connection_pool_usage",
		"sms_messages_total", "sms_messages_waiting", "sms_retries_total", "sms_dead_letters", "sms_in_doubt", "sms_opt_outs_total",
		"event_append_seconds", "event_append_batch_size", "relay_lag_events", "projection_lag_events",
		"http_request_duration_seconds", "rate_limited_total",
	}
}

// Queries returns the expressions of dashboards and alerts, by file.
func Queries(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	uids := map[string]bool{}
	for _, name := range []string{"overview", "providers", "pipeline", "runtime"} {
		var dashboard struct {
			UID    string
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		file := "grafana/dashboards/" + name + ".json"
		if err := json.Unmarshal([]byte(File(t, file)), &dashboard); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if dashboard.UID == "" || uids[dashboard.UID] {
			t.Errorf("%s: uid %q is empty or taken", file, dashboard.UID)
		}
		uids[dashboard.UID] = true
		for _, panel := range dashboard.Panels {
			if len(panel.Targets) == 0 {
				t.Errorf("%s: panel %q shows nothing", file, panel.Title)
			}
			for _, target := range panel.Targets {
				found[file] = append(found[file], target.Expr)
			}
		}
	}
	for _, rule := range AlertRules(t) {
		found["prometheus/alerts.yml"] = append(found["prometheus/alerts.yml"], rule.Expr)
	}
	return found
}

// AlertRule is a rule of Prometheus: of an alert, or of a recorded expression.
type AlertRule struct {
	Alert, Record, Expr string
	Labels              map[string]string
	Annotations         map[string]string
}

// AlertRules returns the rules of deploy/prometheus/alerts.yml.
func AlertRules(t *testing.T) []AlertRule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []AlertRule } }
	if err := yaml.Unmarshal([]byte(File(t, "prometheus/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var rules []AlertRule
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// MetricsIn returns the names of metrics in a PromQL expression: the words that
// are neither functions, keywords nor labels.
func MetricsIn(expression string) []string {
	for _, noise := range []string{`"[^"]*"`, `\{[^}]*\}`, `\[[^\]]*\]`, `\b(by|without|on|ignoring)\s*\([^)]*\)`} {
		expression = regexp.MustCompile(noise).ReplaceAllString(expression, " ")
	}
	var names []string
	words := regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
	for _, word := range words.FindAllString(expression, -1) {
		word = strings.TrimSpace(word)
		if !strings.HasSuffix(word, "(") && !slices.Contains([]string{"and", "or", "unless", "offset", "sum", "max"}, word) {
			names = append(names, word)
		}
	}
	return names
}
