package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// failure is what /readyz?verbose tells of the last time that a check failed.
type failure struct {
	class string
	at    time.Time
}

// writeVerbose writes result for people: a line for each check, with how long it
// took and how it failed last, and the verdict.
func (h *health) writeVerbose(w http.ResponseWriter, status int, result readiness) error {
	var b strings.Builder
	for i, c := range h.checks {
		checked := result.Checks[c.Name]
		mark := "[+]"
		if checked.Status != "ok" {
			mark = "[-]"
		}
		fmt.Fprintf(&b, "%s %s %s in %s", mark, c.Name, checked.Status, checked.took.Round(10*time.Microsecond))
		if c.Required {
			b.WriteString(", required")
		}
		if last := h.last[i].Load(); last != nil {
			fmt.Fprintf(&b, ", last failure: %s, %s ago", last.class, time.Since(last.at).Round(time.Second))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "readyz: %s\n", result.Status)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write([]byte(b.String()))
	return err
}

// errorClass tells strangers what kind of failure err is, and neither where things
// are nor what they are called.
func errorClass(err error) string {
	var (
		timeout net.Error
		name    *net.DNSError
		event   projections.Unappliable
	)
	switch {
	case errors.Is(err, ErrShuttingDown):
		return "shutting down"
	case errors.Is(err, commands.ErrForeign):
		return "frames of another installation"
	case errors.Is(err, errStuck):
		return "stuck"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &event):
		return "an event that cannot be applied"
	case errors.Is(err, events.ErrUnreadable):
		return "an event that cannot be read"
	case errors.As(err, &name):
		return "name not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection lost"
	}
	return "error"
}
