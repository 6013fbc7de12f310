package verify

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
)

// heads holds the log to heads that were signed while it grew. The chain alone
// cannot show a tail that was rewritten as a whole, or cut off.
type heads struct {
	report *Report
	left   []audit.Head // by position
	good   int64        // the log is what it was up to here
	broken bool         // and is not after that: said once
}

func newHeads(report *Report, signed []audit.Head) *heads {
	left := slices.Clone(signed)
	slices.SortStableFunc(left, func(a, b audit.Head) int { return cmp.Compare(a.Position, b.Position) })
	for len(left) > 0 && left[0].Position == 0 { // of the empty log
		left = left[1:]
	}
	return &heads{report: report, left: left}
}

// follow takes a commit with its link and compares the heads that end with it.
func (h *heads) follow(last int64, link events.Hash) {
	for len(h.left) > 0 && h.left[0].Position <= last {
		head := h.left[0]
		h.left = h.left[1:]
		switch {
		case h.broken:
		case head.Position == last && head.Link == link:
			h.good = last
		default:
			h.broken = true
			h.found("positions %d to %d are not those that were signed at %s: the log was rewritten there", h.good+1, head.Position, at(head))
		}
	}
}

// end takes where the log ends.
func (h *heads) end(position int64) {
	if len(h.left) == 0 || h.broken {
		return
	}
	last := h.left[len(h.left)-1]
	h.good = position
	h.found("missing: at %s the log went on to position %d", at(last), last.Position)
}

func (h *heads) found(format string, args ...any) {
	h.report.Add(Finding{Guarantee: "G2", Position: h.good + 1, What: fmt.Sprintf(format, args...)})
}

func at(h audit.Head) string { return h.SignedAt.UTC().Format("2006-01-02 15:04:05Z") }
