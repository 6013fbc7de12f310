package commands

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Where no request is under way any more, a line has the trace from the log.
func TestALineAboutATextNamesItAndItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
		o, l := newDoubts(t)
		results, err := o.store.Append(t.Context(), ports.Write{
			StreamID: "msg_1",
			Events: []events.Event{
				text(domain.Normal), events.MessageAttempted{Attempt: 1, Provider: "carrier"},
				events.MessageInDoubt{Attempt: 1, Provider: "carrier", Cause: "timeout"},
			},
			Meta: events.Meta{Tenant: "acme", TraceParent: "00-" + traceID + "-00f067aa0ba902b7-01"},
		})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		var lines bytes.Buffer
		o.scheduler.Reconciler.Log = slog.New(slog.NewTextHandler(&lines, nil))
		l.down = errors.New("unreachable")
		o.after(time.Minute)
		if got := lines.String(); !strings.Contains(got, "message=msg_1") || !strings.Contains(got, "trace_id="+traceID) || strings.Contains(got, "4155552671") {
			t.Errorf("the log says %s", got)
		}
	})
}
