package verify_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/commands/verify"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
)

// Every row left out, put in twice, put in each other's place with its neighbour,
// or cut off with all that follow; the rest of the log moves up or down.
func TestEachRowLeftOutPutInMovedOrCutOffIsFoundAtItsPosition(t *testing.T) {
	whole := doctor(t, healthy(t))
	last := len(whole.log) - 1
	tried := 0
	for i := range whole.log {
		for name, change := range map[string]func(log []events.Recorded) []events.Recorded{
			"left out, leaving a gap": func(log []events.Recorded) []events.Recorded { return slices.Delete(log, i, i+1) },
			"left out, others moving up": func(log []events.Recorded) []events.Recorded {
				return renumbered(slices.Delete(log, i, i+1))
			},
			"put in before itself": func(log []events.Recorded) []events.Recorded {
				other := log[(i+1)%len(log)]
				return renumbered(slices.Insert(log, i, other))
			},
			"put in the place of its neighbour": func(log []events.Recorded) []events.Recorded {
				if i == last {
					return nil
				}
				log[i], log[i+1] = log[i+1], log[i]
				return renumbered(log)
			},
			"cut off, the commits staying": func(log []events.Recorded) []events.Recorded { return log[:i] },
		} {
			log := change(slices.Clone(whole.log))
			if log == nil {
				continue
			}
			tried++
			d := &doctored{EventStore: whole.EventStore, log: log, commits: whole.commits}
			report, err := verify.Log(t.Context(), verify.Options{Store: d, MaxRetries: 5})
			if first := firstOfLog(report); err != nil || first != int64(i+1) {
				t.Errorf("position %d %s: found at %d, %v: %+v", i+1, name, first, err, report.Findings)
			}
		}
	}
	if tried != 5*len(whole.log)-1 {
		t.Errorf("%d changes tried", tried)
	}
}

// A tail that is cut off at the end of a commit leaves a log that is whole in
// itself; only a signed head knows of the rest.
func TestEachTailThatIsCutOffWithItsCommitsIsFoundBySignedHeads(t *testing.T) {
	whole := doctor(t, healthy(t))
	end := whole.commits[len(whole.commits)-1]
	heads := []audit.Head{{Position: end.LastPosition, Link: end.Link, SignedAt: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}}
	for n, c := range whole.commits[:len(whole.commits)-1] {
		d := &doctored{EventStore: whole.EventStore, log: whole.log[:c.LastPosition], commits: whole.commits[:n+1]}
		report, err := verify.Log(t.Context(), verify.Options{Store: d, MaxRetries: 5, Heads: heads})
		if first := firstOfLog(report); err != nil || first != c.LastPosition+1 {
			t.Errorf("cut off after position %d: found at %d, %v: %+v", c.LastPosition, first, err, report.Findings)
		}
	}
}

// renumbered gives rows the positions that they now stand at.
func renumbered(log []events.Recorded) []events.Recorded {
	for i := range log {
		log[i].Position = int64(i + 1)
	}
	return log
}

// firstOfLog is the position that is named first of those at which the log itself
// is found altered; 0: nowhere. A row comes before the link of its commit, which
// is named by the commit's first position.
func firstOfLog(report *verify.Report) int64 {
	for _, f := range report.Findings {
		if f.Guarantee == "G2" {
			return f.Position
		}
	}
	return 0
}
