package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pro-sms/prosms/adapters/metrics"
	"github.com/pro-sms/prosms/projections"
)

// registered are the names of all metrics that serve has.
func registered() []string {
	m := metrics.New(false, slog.New(slog.DiscardHandler))
	m.Sample(newGauges(stores{}, bus{}, projections.Queries{}, nil, nil)...)
	return m.Names()
}

// contract are the names that users and dashboards rely on.
var contract = []string{
	"sms_dispatch_total", "sms_delivery_latency_seconds", "rabbitmq_queue_depth", "circuit_breaker_state", "db_connection_pool_usage",
	"sms_messages_total", "sms_messages_waiting", "sms_retries_total", "sms_dead_letters", "sms_in_doubt", "sms_opt_outs_total",
	"event_append_seconds", "event_append_batch_size", "relay_lag_events", "projection_lag_events",
	"http_request_duration_seconds", "rate_limited_total",
}

func TestTheMetricsOfTheContractAreThere(t *testing.T) {
	for _, name := range contract {
		if !slices.Contains(registered(), name) {
			t.Errorf("%s is not registered", name)
		}
	}
}

// foreign are metrics of others: of Go's runtime, the broker, the machine, Prometheus.
var foreign = regexp.MustCompile(`^(go_|process_|node_filesystem_|rabbitmq_disk_space_available_(limit_)?bytes$|up$|prosms:)`)

func TestDashboardsAlertsAndRunbookSpeakOfMetricsThatExist(t *testing.T) {
	known, used := registered(), map[string]bool{}
	check := func(where, name string) {
		base := name
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if cut, ok := strings.CutSuffix(name, suffix); ok && slices.Contains(known, cut) {
				base = cut
			}
		}
		used[base] = true
		if !slices.Contains(known, base) && !foreign.MatchString(name) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	for where, expressions := range queries(t) {
		for _, expression := range expressions {
			for _, name := range metricsIn(expression) {
				check(where, name)
			}
		}
	}
	ours := regexp.MustCompile(`\b(sms|event|relay|projection|http|db|circuit|rate|metrics|rabbitmq)_[a-z]+(_[a-z]+)*`)
	for _, name := range ours.FindAllString(deployed(t, "runbook.md"), -1) {
		if name != "sms_" {
			check("runbook.md", name)
		}
	}
	for _, name := range known {
		if !used[name] {
			t.Errorf("%s stands in no dashboard, alert or runbook", name)
		}
	}
}

// queries returns the expressions of dashboards and alerts, by file.
func queries(t *testing.T) map[string][]string {
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
		if err := json.Unmarshal([]byte(deployed(t, file)), &dashboard); err != nil {
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
	for _, rule := range alertRules(t) {
		found["prometheus/alerts.yml"] = append(found["prometheus/alerts.yml"], rule.Expr)
	}
	return found
}

type alertRule struct {
	Alert, Record, Expr string
	Labels              map[string]string
	Annotations         map[string]string
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alertRule } }
	if err := yaml.Unmarshal([]byte(deployed(t, "prometheus/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var rules []alertRule
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// metricsIn returns the names of metrics in a PromQL expression: the words that
// are neither functions, keywords nor labels.
func metricsIn(expression string) []string {
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

func TestMetricsAreFoundInExpressions(t *testing.T) {
	got := metricsIn(`histogram_quantile(.9, sum by (le, x) (rate(a_bucket{b="c"}[5m]))) > 2 and sum by(d)(increase(e:f[1h])) / max(g)`)
	if want := []string{"a_bucket", "e:f", "g"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestEveryAlertHasARunbookAndATest(t *testing.T) {
	sections := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(deployed(t, "runbook.md"), -1) {
		sections[m[1]] = true
	}
	var tests struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "prometheus/alerts.test.yml")), &tests); err != nil {
		t.Fatal(err)
	}
	fires := map[string]bool{}
	for _, test := range tests.Tests {
		for _, c := range test.AlertRuleTest {
			fires[c.Alertname] = fires[c.Alertname] || len(c.ExpAlerts) > 0
		}
	}
	for _, rule := range alertRules(t) {
		if rule.Alert == "" {
			continue
		}
		if !sections[rule.Alert] || !strings.HasSuffix(rule.Annotations["runbook_url"], "/deploy/runbook.md#"+strings.ToLower(rule.Alert)) {
			t.Errorf("%s has no section in the runbook, or does not link it", rule.Alert)
		}
		if !fires[rule.Alert] {
			t.Errorf("%s fires in no test of alerts.test.yml", rule.Alert)
		}
		if rule.Annotations["summary"] == "" || rule.Labels["severity"] != "page" && rule.Labels["severity"] != "ticket" {
			t.Errorf("%s lacks a summary or a severity", rule.Alert)
		}
		delete(sections, rule.Alert)
	}
	for section := range sections {
		t.Errorf("the runbook has a section for %s, which is no alert", section)
	}
}

// deployed returns a file of deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "deploy", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
