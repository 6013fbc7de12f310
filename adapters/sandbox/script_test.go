package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		fault    sandbox.Fault
		status   int // 0: cut
		body     string
		accepted int64
	}{
		{"drop", sandbox.Fault{Do: sandbox.Drop}, 0, "", 0},
		{"accept, then drop", sandbox.Fault{Do: sandbox.Drop, Accept: true}, 0, "", 1},
		{"hang", sandbox.Fault{Do: sandbox.Hang, For: events.Duration(time.Millisecond)}, 0, "", 0},
		{"accept, then hang", sandbox.Fault{Do: sandbox.Hang, For: events.Duration(time.Millisecond), Accept: true}, 0, "", 1},
		{"a page instead of an answer", sandbox.Fault{Do: sandbox.Fail}, 500, "<html>", 0},
		{"accept, then a page", sandbox.Fault{Do: sandbox.Fail, Status: 503, Accept: true}, 503, "<html>", 1},
		{"an error of the API", sandbox.Fault{Do: sandbox.Fail, Status: 400, Code: 30034}, 400, `"code":30034`, 0},
		{"throttle", sandbox.Fault{Do: sandbox.Throttle}, 429, `"code":20429`, 0},
		{"lock out", sandbox.Fault{Do: sandbox.Unauthorized}, 401, `"code":20003`, 0},
		{"junk", sandbox.Fault{Do: sandbox.Junk}, 201, `{"sid": "SM`, 0},
		{"accept and junk", sandbox.Fault{Do: sandbox.Junk, Accept: true}, 201, `{"sid": "SM`, 1},
		{"slow", sandbox.Fault{Do: sandbox.Slowly, For: events.Duration(time.Millisecond)}, 201, `"sid":"SM`, 1},
		{"offline", sandbox.Fault{Do: sandbox.Offline}, 0, "", 0},
		{"somebody else", sandbox.Fault{Do: sandbox.Drop, To: "+14155550199"}, 201, `"sid":"SM`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, sandbox.Config{})
			b.script(tt.fault)
			a := b.create()
			if a.status != tt.status || !strings.Contains(a.body, tt.body) {
				t.Errorf("status %d, want %d; body %.40q", a.status, tt.status, a.body)
			}
			if tt.fault.Do == sandbox.Fail && tt.fault.Code == 0 && len(a.body) <= 512 {
				t.Errorf("the page has %d bytes", len(a.body))
			}
			if got := b.Ledger(0, 0).Accepted; got != tt.accepted {
				t.Errorf("the ledger has %d, want %d", got, tt.accepted)
			}
		})
	}
}

func TestFaultsHoldAsOftenAsScripted(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	b.script(
		sandbox.Fault{Do: sandbox.Throttle, RetryAfter: 3, Times: 2},
		sandbox.Fault{Do: sandbox.Fail, Every: 3},
	)
	var got []int
	for range 8 {
		a := b.create()
		if got = append(got, a.status); a.status == 429 && a.header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
	}
	for i, want := range []int{429, 429, 201, 201, 500, 201, 201, 500} {
		if got[i] != want {
			t.Fatalf("got %v", got)
		}
	}
	b.ClearScript()
	if a := b.create(); a.status != 201 || len(b.Faults()) != 0 {
		t.Errorf("after clearing: status %d, faults %v", a.status, b.Faults())
	}
}

func TestOfflineCutsLookUpsTooAndSparesTheControls(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	b.script(sandbox.Fault{Do: sandbox.Offline})
	if a := b.do(http.MethodGet, messages+".json", "", ""); a.status != 0 {
		t.Errorf("list: status %d", a.status)
	}
	if a := b.do(http.MethodGet, "/count", "", ""); a.body != "0\n" {
		t.Errorf("count: %q", a.body)
	}
}

func TestScriptingOverHTTP(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	const path = "/_sandbox/script"
	for body, want := range map[string]int{
		`{"do":"hang","for":"30s","accept":true,"to":"+14155550199"}`:                    204,
		`[{"do":"throttle","times":2,"retry_after":1},{"callbacks":{"duplicate":true}}]`: 204,
		`{"do":"explode"}`: 400, `{"do":"drop","tos":"x"}`: 400, `{"do":"error","status":7}`: 400,
		`{"callbacks":{"steps":[{"status":"lost"}]}}`: 400, `nonsense`: 400,
		strings.Repeat(" ", 70<<10): 413,
	} {
		if a := b.do(http.MethodPost, path, "application/json", body); a.status != want {
			t.Errorf("%.60s: status %d, want %d: %s", body, a.status, want, a.body)
		}
	}
	if n := len(b.Faults()); n != 3 {
		t.Errorf("%d faults in force, want 3", n)
	}
	if a := b.do(http.MethodGet, path, "", ""); !strings.Contains(a.body, `"for":"30s"`) {
		t.Errorf("shown as %s", a.body)
	}
	if a := b.do(http.MethodDelete, path, "", ""); a.status != 204 || len(b.Faults()) != 0 {
		t.Errorf("clearing: status %d", a.status)
	}
}

func TestClosingEndsCallsThatHang(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	b.script(sandbox.Fault{Do: sandbox.Hang, Accept: true})
	ended := make(chan answer, 1)
	go func() { ended <- b.create() }()
	for b.Ledger(0, 0).Accepted == 0 {
		time.Sleep(time.Millisecond) // until the call has arrived
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if a := <-ended; a.status != 0 {
		t.Errorf("status %d", a.status)
	}
}
