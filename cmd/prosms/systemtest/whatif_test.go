package systemtest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/commands/whatif"
)

// foretold is the report of prosms replay what-if.
type foretold struct {
	Refused bool
	whatif.Report
}

func TestAnotherPolicyIsTriedOnWhatHappened(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		r.environ = append(r.environ, "PROSMS_RETRY_DELAYS=1s", "PROSMS_MAX_RETRIES=1")
		gateway := r.start()
		delivered, throttled := gateway.send(sandbox.ToDelivered, "hello"), gateway.send(sandbox.ToThrottled, "hello")
		eventually(t, 20*time.Second, "one delivered, one given up after two attempts", func() bool {
			return gateway.statusOf(delivered) == "delivered" && gateway.statusOf(throttled) == "dead_lettered"
		})

		ask := func(environ []string, args ...string) (report foretold, err error) {
			t.Helper()
			out, _, err := prosms(t, environ, slices.Concat([]string{"replay", "what-if", "--since", "0", "--json"}, args)...)
			if out != "" && json.Unmarshal([]byte(out), &report) != nil {
				t.Fatalf("not JSON: %s", out)
			}
			return report, err
		}
		if got, err := ask(r.environ, "--max-retries", "0"); err != nil || got.Refused || got.Texts != 2 || got.Changed != 1 ||
			got.Attempts.Was != 3 || got.Attempts.Would != 2 || got.Statuses.Would["dead_lettered"] != 1 {
			t.Errorf("no retry: %v, %+v", err, got.Report)
		}
		if got, err := ask(r.environ, "--max-retries", "5"); err != nil || got.Statuses.Would["dead_lettered"] != 0 || got.Changed != 1 {
			t.Errorf("a third attempt: %v, %+v", err, got.Report)
		}
		other := slices.Concat(r.environ, []string{"PROSMS_RETRY_DELAYS=1h"})
		if got, err := ask(other, "--max-retries", "0"); err == nil || !got.Refused || got.Unreproduced != 1 ||
			got.UnreproducedExamples[0].ID != throttled || got.UnreproducedExamples[0].Why != whatif.WhyRetry {
			t.Errorf("the policy of another time: %v, %+v", err, got.Report)
		}
		if got, err := ask(other, "--max-retries", "0", "--allow"); err != nil || got.Changed != 0 || got.Statuses.Was["delivered"] != 1 {
			t.Errorf("without what is not explained: %v, %+v", err, got.Report)
		}
		if out := r.command("replay", "what-if", "--since", "0", "--retry-delays", "10s"); !strings.Contains(out, "instead: tried again after") ||
			strings.Contains(out, "hello") || strings.Contains(out, sandbox.ToThrottled) {
			t.Errorf("for a reader:\n%s", out)
		}
		for _, wrong := range [][]string{
			{"--since", "0"}, {"--since", "soon", "--max-retries", "0"}, {"--since", "0", "--max-retries", "-1"},
			{"--since", "9", "--until", "2", "--max-retries", "0"},
		} {
			if _, err := r.attempt(append([]string{"replay", "what-if"}, wrong...)...); err == nil {
				t.Errorf("%v was taken", wrong)
			}
		}
	})
}
