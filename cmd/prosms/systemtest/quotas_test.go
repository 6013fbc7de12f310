package systemtest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestARestartGivesNobodyANewDay(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]bool{"embedded": false, "full": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, full, "PROSMS_DAILY_MESSAGES=3")
			start := r.start
			if full { // who counts is the one to fill the view, which has to hold numbers and bodies sealed
				start = func() *instance {
					i := r.spawn(freeAddr(t), []string{"serve", "--roles", "api"}, r.environ)
					eventually(t, 20*time.Second, "ready", i.ready)
					return i
				}
			}
			i := start()
			text := `{"to":"+14155552671","body":"hello"}`
			send := func(want int) {
				t.Helper()
				answer := i.post(t, text)
				_ = answer.Body.Close()
				if answer.StatusCode != want {
					t.Fatalf("answer %d, want %d", answer.StatusCode, want)
				}
				if after, _ := strconv.Atoi(answer.Header.Get("Retry-After")); want == http.StatusTooManyRequests && (after < 1 || after > 86_400) {
					t.Errorf("Retry-After %d", after)
				}
			}
			send(http.StatusAccepted)
			send(http.StatusAccepted)
			i.kill()
			if full {
				emptyCache(t, r.value("REDIS_URL"))
			}
			i = start()
			send(http.StatusAccepted)
			send(http.StatusTooManyRequests)
			if series, _ := i.scrape(); series[`sms_refused_total{code="quota_exceeded"}`] != 1 {
				t.Error("the refusal is not counted")
			}
			if said := i.output.String(); strings.Count(said, "day is used up") != 1 {
				t.Error("the log does not say once whose day is used up")
			}
			i.stop()
			r.verified()
		})
	}
}
