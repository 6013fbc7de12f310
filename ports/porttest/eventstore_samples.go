package porttest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// awkward is text that stores like to change: markup, the null character, line
// separators, quotes, escapes, composed and combining letters, an emoji of
// several code points, and trailing space.
const awkward = "<b>&amp;</b> \x00 \u2028\u2029 \"q\" \\u0041 \\ / é e\u0301 👩‍👩‍👧 \U0010FFFF\t "

func accepted(body string) events.MessageAccepted {
	sendAt := time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.UTC)
	return events.MessageAccepted{
		To: "+15005550006", From: "+15005550001", Body: events.Personal(body), Encoding: "UCS-2", Segments: 2,
		Lane: "normal", Kind: "transactional", SendAt: &sendAt, Reference: body,
		Metadata: map[string]string{"k": body, body: ""}, Consent: "consent-1",
	}
}

func attempted(attempt int) events.MessageAttempted {
	return events.MessageAttempted{Attempt: attempt, AttemptID: fmt.Sprintf("a%d", attempt), Provider: "twilio"}
}

func sampleMeta(actor string) events.Meta {
	return events.Meta{Tenant: "acme", Actor: actor, CorrelationID: "r1", CausationID: "r1"}
}

// write is a Write of n attempts to a stream at expected.
func write(streamID string, expected, n int) ports.Write {
	w := ports.Write{StreamID: streamID, Expected: expected, Meta: sampleMeta("key:1")}
	for i := range n {
		w.Events = append(w.Events, attempted(expected+i+1))
	}
	return w
}

// requiring returns w with one requirement more.
func requiring(w ports.Write, streamID string, version int) ports.Write {
	w.Requires = append(w.Requires, ports.Require{StreamID: streamID, Version: version})
	return w
}

// appendAll appends writes and fails the test unless all of them are accepted.
func appendAll(t *testing.T, store ports.EventStore, writes ...ports.Write) []ports.Result {
	t.Helper()
	results := appendSome(t, store, writes...)
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("write %d to %s: %v", i, writes[i].StreamID, r.Err)
		}
	}
	return results
}

// appendSome appends writes, of which the store may refuse some.
func appendSome(t *testing.T, store ports.EventStore, writes ...ports.Write) []ports.Result {
	t.Helper()
	results, err := store.Append(t.Context(), writes...)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	if len(results) != len(writes) {
		t.Fatalf("Append of %d writes gave %d results", len(writes), len(results))
	}
	return results
}

// readLog returns the whole log.
func readLog(t *testing.T, store ports.EventStore) []events.Recorded {
	t.Helper()
	log, err := store.Read(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return log
}

// readCommits returns all commits.
func readCommits(t *testing.T, store ports.EventStore) []ports.Commit {
	t.Helper()
	commits, err := store.Commits(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatalf("Commits: %v", err)
	}
	return commits
}

func load(t *testing.T, store ports.EventStore, streamID string) []events.Recorded {
	t.Helper()
	stream, err := store.Load(t.Context(), streamID)
	if err != nil {
		t.Fatalf("Load(%s): %v", streamID, err)
	}
	return stream
}

func head(t *testing.T, store ports.EventStore) ports.Commit {
	t.Helper()
	h, err := store.Head(t.Context())
	if err != nil {
		t.Fatalf("Head: %v", err)
	}
	return h
}
