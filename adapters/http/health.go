package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pro-sms/prosms/commands"
)

// checkTimeout bounds each check of /readyz.
const checkTimeout = 2 * time.Second

// ErrShuttingDown is the error of a Check that asks whether this instance goes on.
var ErrShuttingDown = errors.New("shutting down")

// Check asks something that Pro-SMS depends on whether it is there.
type Check struct {
	Name     string                          // "store", "broker"
	Required bool                            // without it there is no serving: the answer is 503
	Func     func(ctx context.Context) error // nil: it is there; it should end with ctx
}

// health answers whether we live and are ready. However many ask, each check runs
// once at a time, even one that does not end when it should.
type health struct {
	checks []Check
	busy   []slots                   // of each check
	last   []atomic.Pointer[failure] // of each check, the last one
	log    *slog.Logger
	asking singleflight.Group
}

// readiness is the answer of /readyz.
type readiness struct {
	Status string             `json:"status"` // "ok", "degraded" or "unavailable"
	Checks map[string]checked `json:"checks"`
}

type checked struct {
	Status   string `json:"status"` // "ok" or "failed"
	Required bool   `json:"required"`

	took time.Duration
}

func newHealth(checks []Check, log *slog.Logger) *health {
	h := &health{checks: checks, busy: make([]slots, len(checks)), last: make([]atomic.Pointer[failure], len(checks)), log: log}
	for i := range h.busy {
		h.busy[i] = make(slots, 1)
	}
	return h
}

// live says that the process serves requests.
func (h *health) live(w http.ResponseWriter, _ *http.Request, _ commands.Caller) error {
	return writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}

// ready says whether requests can be carried out: as JSON, or with ?verbose as lines
// to read. Why something is missing stands in the log and not in the answer.
func (h *health) ready(w http.ResponseWriter, r *http.Request, _ commands.Caller) error {
	answer, _, _ := h.asking.Do("", func() (any, error) {
		return h.check(context.WithoutCancel(r.Context())), nil
	})
	result, _ := answer.(readiness)
	status := http.StatusOK
	if result.Status == "unavailable" {
		status = http.StatusServiceUnavailable
	}
	if r.URL.Query().Has("verbose") {
		return h.writeVerbose(w, status, result)
	}
	return writeJSON(w, status, result)
}

func (h *health) check(ctx context.Context) readiness {
	failed, took := make([]error, len(h.checks)), make([]time.Duration, len(h.checks))
	var all sync.WaitGroup
	for i := range h.checks {
		all.Go(func() {
			began := time.Now()
			failed[i] = h.run(ctx, i)
			took[i] = time.Since(began)
			if failed[i] != nil {
				h.last[i].Store(&failure{class: errorClass(failed[i]), at: began})
			}
		})
	}
	all.Wait()
	result := readiness{Status: "ok", Checks: make(map[string]checked, len(h.checks))}
	for i, c := range h.checks {
		status := "ok"
		if failed[i] != nil {
			status = "failed"
			h.log.Warn("readiness check failed", "check", c.Name, "error", failed[i])
			if c.Required {
				result.Status = "unavailable"
			} else if result.Status == "ok" {
				result.Status = "degraded"
			}
		}
		result.Checks[c.Name] = checked{Status: status, Required: c.Required, took: took[i]}
	}
	return result
}

var errStuck = errors.New("the check before this one has not ended")

// run runs one check and does not wait longer than checkTimeout for it.
func (h *health) run(ctx context.Context, i int) error {
	if !h.busy[i].tryTake() {
		return errStuck
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		err := h.checks[i].Func(ctx)
		h.busy[i].free()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select { // both may have come: the end of a check ends its context
	case err := <-done:
		return err
	default:
		return ctx.Err()
	}
}
