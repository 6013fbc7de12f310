package systemtest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// verify waits until every text of the log is at rest, and then holds the log,
// the view and the provider's ledger against each other and against ids, which
// are all that were answered for: none is lost, none stands for a request twice,
// none was sent twice without the log saying why, and every stream is whole. It
// returns how many were sent twice all the same. "prosms verify" has to agree.
func (r *rig) verify(i *instance, ids []string, limit time.Duration) (resent int) {
	r.t.Helper()
	r.awaitRest(i, len(ids), limit)
	streams, statuses := i.settled(30 * time.Second)
	accepted := map[string]map[int]int{} // by message and attempt
	for _, entry := range r.ledger() {
		if accepted[entry.MessageID] == nil {
			accepted[entry.MessageID] = map[int]int{}
		}
		accepted[entry.MessageID][entry.Attempt]++
	}
	var faults []string
	fault := func(id, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s is %q: %s", id, statuses[id], fmt.Sprintf(format, args...)))
	}
	for _, id := range ids {
		if len(streams[id]) == 0 {
			fault(id, "it was answered for and is not in the log")
		}
	}
	for id := range accepted {
		if len(streams[id]) == 0 {
			fault(id, "the provider has it and the log has not")
		}
	}
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		known[id] = true
	}
	for id, stream := range streams {
		if !known[id] {
			fault(id, "a request was accepted twice")
		}
		m, doubts, err := replay(stream)
		if err != nil {
			fault(id, "%v", err)
		}
		if statuses[id] != string(m.Status) {
			fault(id, "the log says %q", m.Status)
		}
		if !m.Final() {
			fault(id, "it has not come to its end")
		}
		sent := 0
		for attempt, times := range accepted[id] {
			if sent += times; times > 1 || attempt > m.Attempt {
				fault(id, "attempt %d of %d was accepted %d times", attempt, m.Attempt, times)
			}
		}
		arrived := slices.Contains([]domain.Status{domain.Delivered, domain.Undelivered}, m.Status)
		switch {
		case arrived && sent == 0:
			fault(id, "the provider has not got it")
		case !arrived && sent > 0 && m.Status != domain.DeadLettered:
			fault(id, "the provider has it")
		case sent > 1+doubts:
			fault(id, "sent %d times, and the log explains %d", sent, 1+doubts)
		case sent > 1:
			resent++
		}
	}
	for n, text := range faults {
		if n == 10 {
			r.t.Errorf("and %d faults more", len(faults)-n)
			break
		}
		r.t.Error(text)
	}
	r.verified()
	r.t.Logf("verified %d texts: %d were sent twice, as the log says", len(streams), resent)
	return resent
}

// verifyOnce is verify where a look-up finds all that the provider has taken on:
// then nothing may be sent twice, not even with an explanation.
func (r *rig) verifyOnce(i *instance, ids []string, limit time.Duration) {
	r.t.Helper()
	if resent := r.verify(i, ids, limit); resent > 0 {
		r.t.Errorf("%d texts were sent twice, though a look-up would have found them", resent)
	}
}

// ends counts how the texts of the rig have ended.
func (r *rig) ends(i *instance) map[string]int {
	r.t.Helper()
	ends := map[string]int{}
	for _, status := range i.statuses() {
		ends[status]++
	}
	return ends
}

// awaitRest waits until the view knows of n texts and none of them is on its way,
// and says which are when they take too long.
func (r *rig) awaitRest(i *instance, n int, limit time.Duration) {
	r.t.Helper()
	restless := []domain.Status{domain.Accepted, domain.Scheduled, domain.Dispatching, domain.Retrying, domain.InDoubt, domain.Dispatched}
	moving := func() bool {
		return slices.ContainsFunc(restless, func(s domain.Status) bool { return i.any(string(s)) })
	}
	for deadline := time.Now().Add(busy * limit); ; time.Sleep(100 * time.Millisecond) {
		// Asked again, as the view may have come to know of texts in between.
		if !moving() && len(i.statuses()) >= n && !moving() {
			return
		}
		if time.Now().Before(deadline) {
			continue
		}
		statuses, shown := i.statuses(), 0
		for id, status := range statuses {
			if slices.Contains(restless, domain.Status(status)) && shown < 3 {
				shown++
				r.t.Logf("%s is %s", id, status)
				for _, e := range i.timeline(id) {
					r.t.Logf("  %s %s", e.RecordedAt.Format(time.TimeOnly), e.Type)
				}
			}
		}
		r.t.Fatalf("not at rest within %s; the view has %d texts, of %d", limit, len(statuses), n)
	}
}

// settled returns the log and what the view says, once receipts have ceased to
// come in between the two.
func (i *instance) settled(limit time.Duration) (map[string][]events.Recorded, map[string]string) {
	i.rig.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		streams, statuses := i.streams(), i.statuses()
		same := len(streams) == len(statuses)
		for id, stream := range streams {
			m, _, _ := replay(stream)
			same = same && statuses[id] == string(m.Status)
		}
		if same || time.Now().After(deadline) {
			return streams, statuses
		}
	}
}

// replay folds a stream. doubts is how many attempts were followed by another
// though they may have been sent, which the log then says.
func replay(stream []events.Recorded) (m domain.Message, doubts int, err error) {
	for n, e := range stream {
		if e.Version != n+1 {
			return m, 0, fmt.Errorf("version %d follows %d", e.Version, n)
		}
		if err := e.Decode(); err != nil {
			return m, 0, err
		}
		switch data := e.Data.(type) {
		case events.MessageAttempted:
			if data.Attempt != m.Attempt+1 {
				return m, 0, fmt.Errorf("attempt %d follows %d", data.Attempt, m.Attempt)
			}
		case events.MessageReconciled:
			if data.Outcome == domain.OutcomeNotSent {
				doubts++
			}
		}
		m = m.Evolve(e.Data)
	}
	return m, doubts, nil
}

// streams returns the streams of all messages of the rig's tenant, from the log.
func (i *instance) streams() map[string][]events.Recorded {
	i.rig.t.Helper()
	streams := map[string][]events.Recorded{}
	for after := int64(0); ; {
		var page struct{ Data []events.Recorded }
		code, err := i.call("GET", fmt.Sprintf("/v1/events?limit=100&type=message&after=%d", after), nil, &page)
		if err != nil || code != http.StatusOK {
			i.rig.t.Fatalf("reading the log after %d: %d, %v", after, code, err)
		}
		if len(page.Data) == 0 {
			return streams
		}
		for _, e := range page.Data {
			streams[e.StreamID] = append(streams[e.StreamID], e)
			after = e.Position
		}
	}
}

func TestVerifySeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	attempted := func(n int) events.Event { return events.MessageAttempted{Attempt: n} }
	for _, tt := range []struct {
		name   string
		stream []events.Event
		fits   bool
	}{
		{"attempts in order", []events.Event{events.MessageAccepted{}, attempted(1), attempted(2)}, true},
		{"an attempt is missing", []events.Event{events.MessageAccepted{}, attempted(2)}, false},
		{"an attempt twice", []events.Event{events.MessageAccepted{}, attempted(1), attempted(1)}, false},
	} {
		var stream []events.Recorded
		for n, e := range tt.stream {
			r, err := events.Prepare("msg_1", n+1, e, events.Meta{})
			if err != nil {
				t.Fatal(err)
			}
			stream = append(stream, r)
		}
		if _, _, err := replay(stream); (err == nil) != tt.fits {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
