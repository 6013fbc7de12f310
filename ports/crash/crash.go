// Package crash kills the process at a named point, so that a test can see what
// a crash there leaves. The points are compiled in; unarmed, as they are unless
// a test asks, each costs one atomic load.
package crash

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Point names a place between two steps of a text's way.
type Point string

// The points, in the order of that way (ARCHITECTURE.md, "One text, and a crash
// anywhere").
const (
	RequestRead      Point = "request.read"      // nothing is committed
	RequestCommitted Point = "request.committed" // nobody has been told
	RelayPublished   Point = "relay.published"   // one topic has its part of a frame, others may not
	RelayDone        Point = "relay.done"        // all topics have it, the feed's place is not stored
	WorkDelivered    Point = "work.delivered"    // a frame is at hand, nothing of it is claimed
	WorkClaimed      Point = "work.claimed"      // claimed, the frame not acked
	WorkAcked        Point = "work.acked"        // a broker's message is acked
	ProviderCalling  Point = "provider.calling"  // claimed, the provider not called
	ProviderAnswered Point = "provider.answered" // its answer is not recorded
	OutcomeRecorded  Point = "outcome.recorded"  // nothing is open
	OptOutRecorded   Point = "optout.recorded"   // consent knows of it, the message does not
	ReceiptRead      Point = "receipt.read"      // not recorded
	ReceiptRecorded  Point = "receipt.recorded"  // recorded, not answered
	ViewsAdvancing   Point = "views.advancing"   // rows are put, not committed
	ViewsAdvanced    Point = "views.advanced"    // committed, the frame not acked
	WorkIssued       Point = "work.issued"       // by the scheduler, which has not noted it
	DoubtRecorded    Point = "doubt.recorded"    // of an attempt that a crash has left behind
	LookedUp         Point = "doubt.looked_up"   // the provider has told, nothing is recorded
	DoubtReconciled  Point = "doubt.reconciled"  // recorded, not noted in memory
	SubjectForgotten Point = "subject.forgotten" // recorded, the key not destroyed
)

// Points lists all of them.
var Points = []Point{
	RequestRead, RequestCommitted, RelayPublished, RelayDone, WorkDelivered, WorkClaimed, WorkAcked,
	ProviderCalling, ProviderAnswered, OptOutRecorded, OutcomeRecorded,
	ReceiptRead, ReceiptRecorded, ViewsAdvancing, ViewsAdvanced,
	WorkIssued, DoubtRecorded, LookedUp, DoubtReconciled, SubjectForgotten,
}

// trap is a point that kills when it has been passed so many times.
type trap struct {
	point Point
	left  atomic.Int64
}

// armed is the one piece of global state here: the points stand everywhere, and
// the process that they kill is one.
var armed atomic.Pointer[trap]

// At kills the process, as kill -9 does, if point is armed and its turn has come.
func At(point Point) {
	if t := armed.Load(); t != nil && t.point == point && t.left.Add(-1) == 0 {
		die(point)
	}
}

// Arm arms "point" or "point:n", which kills at its n-th passing; "" disarms.
func Arm(spec string) error {
	if spec == "" {
		armed.Store(nil)
		return nil
	}
	name, times, counted := strings.Cut(spec, ":")
	t := &trap{point: Point(name)}
	n := int64(1)
	if counted {
		var err error
		if n, err = strconv.ParseInt(times, 10, 64); err != nil || n < 1 {
			return fmt.Errorf("arming crash point %s: not a number of passings, 1 or more", name)
		}
	}
	if !slices.Contains(Points, t.point) {
		return fmt.Errorf("arming crash point %q: there is none of that name", name)
	}
	t.left.Store(n)
	armed.Store(t)
	return nil
}

// die never returns: whatever called goes no further.
func die(point Point) {
	_, _ = fmt.Fprintf(os.Stderr, "%s%s\n", Mark, point)
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// Mark begins the last line that a killed process writes, before the point.
const Mark = "crash point "
