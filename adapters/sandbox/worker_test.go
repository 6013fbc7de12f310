package sandbox_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// worker stands still in one state and notes what it is told.
type worker struct {
	state sandbox.WorkerState
	told  []string
	err   error
}

func (w *worker) State() sandbox.WorkerState { return w.state }

func (w *worker) Kill() error {
	w.told = append(w.told, "kill")
	return w.err
}

func (w *worker) Burst() error {
	w.told = append(w.told, "burst")
	return w.err
}

func TestThePhoneKillsTheWorkerAndShowsHowItStands(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name  string
		state sandbox.WorkerState
		want  string
	}{
		{"running", sandbox.WorkerState{Up: true, Process: 4711}, "</strong> as process 4711.</p>"},
		{"back", sandbox.WorkerState{Up: true, Process: 4712, Ends: 2, Back: 430 * time.Millisecond, Burst: 50}, "Ended 2 times, back after 0.4 s. 50 texts are still to be handed over."},
		{"starting", sandbox.WorkerState{Process: 4713, Ends: 1}, "It is being started again."},
		{"looping", sandbox.WorkerState{Ends: 4, Pause: 1900 * time.Millisecond}, "It is started again in 2 s."},
	} {
		if body := open(t, sandbox.Config{Worker: &worker{state: tt.state}}).do(http.MethodGet, "/", "", "").body; !strings.Contains(body, tt.want) {
			t.Errorf("%s: the page does not show %q", tt.name, tt.want)
		}
	}
	w := &worker{}
	b := open(t, sandbox.Config{Worker: w})
	for do, status := range map[string]int{"kill": 200, "burst": 200, "nonsense": 400} {
		if a := b.do(http.MethodPost, "/_sandbox/worker", form, "do="+do); a.status != status {
			t.Errorf("%s: status %d", do, a.status)
		}
	}
	if w.err = errors.New("it is not there"); len(w.told) != 2 {
		t.Errorf("the worker was told %v", w.told)
	}
	if a := b.do(http.MethodPost, "/_sandbox/worker", form, "do=kill"); a.status != 409 {
		t.Errorf("a kill that failed: status %d", a.status)
	}
	alone := open(t, sandbox.Config{})
	if a := alone.do(http.MethodPost, "/_sandbox/worker", form, "do=kill"); a.status != 400 || strings.Contains(alone.do(http.MethodGet, "/", "", "").body, "_sandbox/worker") {
		t.Error("without a worker there is one to kill")
	}
}
