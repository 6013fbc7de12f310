package systemtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pro-sms/prosms/cmd/prosms/systemtest/deployed"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// prometheus is a real one, with our rules, that scrapes twice a second.
type prometheus struct {
	t   *testing.T
	url string
}

// prometheusProgram is where ./test has found it, or the path; a test that finds
// none is skipped, and fails where nothing may be missing.
func prometheusProgram(t *testing.T) string {
	t.Helper()
	if program := os.Getenv("PROSMS_TEST_PROMETHEUS"); program != "" {
		return program
	}
	return servers.Program(t, "prometheus")
}

// startPrometheus scrapes the jobs, by name, at their addresses until the test ends.
func startPrometheus(t *testing.T, jobs map[string]string) prometheus {
	t.Helper()
	program, folder, addr := prometheusProgram(t), t.TempDir(), freeAddr(t)
	rules := strings.ReplaceAll(deployed.File(t, "prometheus/alerts.yml"), "interval: 30s", "interval: 1s")
	config := "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}\nrule_files: [alerts.yml]\nscrape_configs:\n"
	for job, target := range jobs {
		config += fmt.Sprintf("  - {job_name: %s, static_configs: [{targets: [%q]}]}\n", job, target)
	}
	for name, content := range map[string]string{"alerts.yml": rules, "prometheus.yml": config} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output := &lockedBuffer{}
	server := exec.Command(program, "--config.file="+filepath.Join(folder, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address="+addr, "--enable-feature=exemplar-storage", "--log.level=warn")
	server.Stdout, server.Stderr = output, output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil || t.Failed() {
			t.Logf("Prometheus ended with %v:\n%s", err, output)
		}
	})
	p := prometheus{t, "http://" + addr}
	eventually(t, 20*time.Second, "Prometheus ready", func() bool { return answersWell(p.url + "/-/ready") })
	// A counter's first sample is where its increase begins.
	eventually(t, 20*time.Second, "scraped", func() bool {
		scrapes, _ := p.query(`min(count_over_time(up[1m])) and min(up) == 1`)
		return len(scrapes) == 1 && scrapes[0] >= 2
	})
	t.Attr(servers.Attribute+"prometheus", program)
	return p
}

// query returns the values of an expression that are numbers.
func (p prometheus) query(expression string) ([]float64, error) {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := p.get("/api/v1/query?query="+url.QueryEscape(expression), &data); err != nil {
		return nil, err
	}
	var values []float64
	for _, series := range data.Result {
		text, _ := series.Value[1].(string)
		if value, err := strconv.ParseFloat(text, 64); err == nil && value == value { // NaN is not
			values = append(values, value)
		}
	}
	return values, nil
}

// exemplars returns the ids of traces that are examples of a metric.
func (p prometheus) exemplars(metric string) ([]string, error) {
	var data []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	now := time.Now()
	path := fmt.Sprintf("/api/v1/query_exemplars?query=%s&start=%d&end=%d", metric, now.Add(-time.Hour).Unix(), now.Unix()+1)
	if err := p.get(path, &data); err != nil {
		return nil, err
	}
	var ids []string
	for _, series := range data {
		for _, exemplar := range series.Exemplars {
			ids = append(ids, exemplar.Labels["trace_id"])
		}
	}
	return ids, nil
}

func (p prometheus) get(path string, data any) error {
	response, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %s, %w", response.StatusCode, answer.Error, err)
	}
	return nil
}

// standIn serves the metrics of others that our rules speak of: of the broker's
// plug-in, which a broker shared by tests has not switched on, and of node_exporter.
func standIn(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "rabbitmq_disk_space_available_bytes 9e9\nrabbitmq_disk_space_available_limit_bytes 5e7\n",
			"node_filesystem_avail_bytes{fstype=\"ext4\"} 5e9\nnode_filesystem_size_bytes{fstype=\"ext4\"} 9e9\n")
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
