package porttest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// firstFault returns the first position at which log and commits contradict each
// other or their hashes; 0 for none.
func firstFault(log []events.Recorded, commits []ports.Commit) int64 {
	var previous ports.Commit
	for _, c := range commits {
		if c.FirstPosition != previous.LastPosition+1 || c.LastPosition < c.FirstPosition || c.LastPosition > int64(len(log)) {
			return c.FirstPosition
		}
		var digests []events.Hash
		for _, e := range span(log, c) {
			if e.Digest != e.ComputeDigest() {
				return e.Position
			}
			digests = append(digests, e.Digest)
		}
		if c.Link != events.Link(previous.Link, digests...) {
			return c.FirstPosition
		}
		previous = c
	}
	if last := int64(len(log)); last != previous.LastPosition {
		return last
	}
	return 0
}

func chainVerifies(t *testing.T, store ports.EventStore) {
	contend(t, store)
	log, commits := readLog(t, store), readCommits(t, store)
	if at := firstFault(log, commits); at != 0 {
		t.Errorf("the chain does not verify at position %d", at)
	}
	if got, want := head(t, store), commits[len(commits)-1]; got != want {
		t.Errorf("Head = %+v, want the last commit %+v", got, want)
	}
}

func changedByteIsLocated(t *testing.T, store ports.EventStore) {
	for i := range 3 {
		appendAll(t, store, ports.Write{StreamID: "a", Expected: i, Events: []events.Event{accepted("x")}}, write("b", 2*i, 2))
	}
	log, commits := readLog(t, store), readCommits(t, store)
	const at = 5 // in the middle of the second commit
	for name, change := range map[string]func(*events.Recorded){
		"stream":      func(e *events.Recorded) { e.StreamID = "c" },
		"version":     func(e *events.Recorded) { e.Version++ },
		"type":        func(e *events.Recorded) { e.Type = "message.attempteD" },
		"schema":      func(e *events.Recorded) { e.Schema++ },
		"data":        func(e *events.Recorded) { e.RawData = bytes.Replace(e.RawData, []byte("tw"), []byte("tv"), 1) },
		"meta":        func(e *events.Recorded) { e.RawMeta = bytes.Replace(e.RawMeta, []byte("ac"), []byte("aC"), 1) },
		"recorded_at": func(e *events.Recorded) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"digest":      func(e *events.Recorded) { e.Digest[31] ^= 1 },
	} {
		changed := slices.Clone(log)
		change(&changed[at-1])
		if got := firstFault(changed, commits); got != at {
			t.Errorf("changed %s: fault at %d, want %d", name, got, at)
		}
	}
	rehashed := slices.Clone(log) // a forger who fixes the row still breaks the link
	rehashed[at-1].RawData = []byte(`{"attempt":9}`)
	rehashed[at-1].Digest = rehashed[at-1].ComputeDigest()
	if got := firstFault(rehashed, commits); got != commits[1].FirstPosition {
		t.Errorf("row rehashed: fault at %d, want the commit at %d", got, commits[1].FirstPosition)
	}
}
