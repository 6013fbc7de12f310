package main

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pro-sms/prosms/adapters/metrics"
	"github.com/pro-sms/prosms/cmd/prosms/systemtest/deployed"
	"github.com/pro-sms/prosms/projections"
)

// registered are the names of all metrics that serve has.
func registered() []string {
	m := metrics.New(false, slog.New(slog.DiscardHandler))
	m.Sample(newGauges(stores{}, bus{}, projections.Queries{}, nil, nil, nil, nil)...)
	return m.Names()
}

func TestTheMetricsOfTheContractAreThere(t *testing.T) {
	for _, name := range deployed.Contract() {
		if !slices.Contains(registered(), name) {
			t.Errorf("%s is not registered", name)
		}
	}
}

// foreign are metrics of others: of Go's runtime, the broker, the machine, Prometheus.
var foreign = regexp.MustCompile(`^(go_|process_|node_filesystem_|rabbitmq_disk_space_available_(limit_)?bytes$|up$|prosms:)`)

func TestDashboardsAlertsAndDocumentsSpeakOfMetricsThatExist(t *testing.T) {
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
	for where, expressions := range deployed.Queries(t) {
		for _, expression := range expressions {
			for _, name := range deployed.MetricsIn(expression) {
				check(where, name)
			}
		}
	}
	ours := regexp.MustCompile(`\b(sms|event|relay|projection|http|db|circuit|rate|metrics|rabbitmq)_[a-z]+(_[a-z]+)*`)
	for _, file := range []string{
		"runbook.md", "README.md", "kubernetes/prosms.yaml", "../README.md", "../ARCHITECTURE.md", "../GUARANTEES.md", "../SECURITY.md", "../docs/walkthroughs.md",
	} {
		for _, name := range ours.FindAllString(deployed.File(t, file), -1) {
			if name != "sms_" {
				check(file, name)
			}
		}
	}
	for _, name := range known {
		if !used[name] {
			t.Errorf("%s stands in no dashboard, alert or runbook", name)
		}
	}
}

func TestEveryAlertHasARunbookAndATest(t *testing.T) {
	sections := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(deployed.File(t, "runbook.md"), -1) {
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
	if err := yaml.Unmarshal([]byte(deployed.File(t, "prometheus/alerts.test.yml")), &tests); err != nil {
		t.Fatal(err)
	}
	fires := map[string]bool{}
	for _, test := range tests.Tests {
		for _, c := range test.AlertRuleTest {
			fires[c.Alertname] = fires[c.Alertname] || len(c.ExpAlerts) > 0
		}
	}
	for _, rule := range deployed.AlertRules(t) {
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
