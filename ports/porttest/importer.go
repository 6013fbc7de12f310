package porttest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Importer holds what open returns, a new and empty store with its importer, to the
// laws of ports.Importer.
func Importer(t *testing.T, open func(*testing.T) (ports.EventStore, ports.Importer)) {
	for _, law := range []struct {
		name  string
		check func(t *testing.T, source, target ports.EventStore, importer ports.Importer)
	}{
		{"an imported log is the same to the byte and is appended to", importedIsTheSame},
		{"an import goes on where the log ends and nowhere else", importGoesOn},
		{"a commit that does not verify is refused with its whole call", importVerifies},
		{"what was detached lacks its payload and nothing else, and is attached again to the byte", detachAndAttach},
		{"a part of a stream, or a row that is not the log's, is neither detached nor attached", detachWholeStreams},
		{"a log with detached payloads is imported and appended to", importDetached},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			source, _ := open(t)
			target, importer := open(t)
			contend(t, source)
			appendAll(t, source, ports.Write{StreamID: "text", Events: []events.Event{accepted("<&>\u2028 \U0001F600 'quoted' \\u0000")}})
			law.check(t, source, target, importer)
		})
	}
}

// wholeCommits returns the whole log of a store.
func wholeCommits(t *testing.T, store ports.EventStore) []ports.WholeCommit {
	t.Helper()
	log := readLog(t, store)
	var whole []ports.WholeCommit
	for _, c := range readCommits(t, store) {
		whole = append(whole, ports.WholeCommit{Commit: c, Events: span(log, c)})
	}
	return whole
}

func importedIsTheSame(t *testing.T, source, target ports.EventStore, importer ports.Importer) {
	all := wholeCommits(t, source)
	if err := importer.Import(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, wholeCommits(t, target)); diff != "" {
		t.Errorf("(-source +target)\n%s", diff)
	}
	if got, want := head(t, target), head(t, source); got != want {
		t.Errorf("Head = %+v, want %+v", got, want)
	}
	appendAll(t, target, write("afterwards", 0, 2))
	if at := firstFault(readLog(t, target), readCommits(t, target)); at != 0 {
		t.Errorf("after an append the chain does not verify at position %d", at)
	}
}

func importGoesOn(t *testing.T, source, target ports.EventStore, importer ports.Importer) {
	all := wholeCommits(t, source)
	half := len(all) / 2
	for _, step := range []struct {
		what    string
		commits []ports.WholeCommit
		refused bool
	}{
		{"with a gap before it", all[1:], true},
		{"the first half", all[:half], false},
		{"the first half again", all[:half], true},
		{"with a gap", all[half+1:], true},
		{"the rest", all[half:], false},
		{"nothing", nil, false},
	} {
		if err := importer.Import(t.Context(), step.commits...); errors.Is(err, ports.ErrConflict) != step.refused || (err != nil) != step.refused {
			t.Errorf("importing %s: %v", step.what, err)
		}
	}
	if diff := cmp.Diff(all, wholeCommits(t, target)); diff != "" {
		t.Errorf("(-source +target)\n%s", diff)
	}
}

func importVerifies(t *testing.T, source, target ports.EventStore, importer ports.Importer) {
	for name, change := range map[string]func(*ports.WholeCommit){
		"data":        func(c *ports.WholeCommit) { c.Events[0].RawData = []byte(`{}`) },
		"meta":        func(c *ports.WholeCommit) { c.Events[0].RawMeta = []byte(`{}`) },
		"stream":      func(c *ports.WholeCommit) { c.Events[0].StreamID += "x" },
		"version":     func(c *ports.WholeCommit) { c.Events[0].Version++ },
		"position":    func(c *ports.WholeCommit) { c.Events[0].Position++ },
		"recorded_at": func(c *ports.WholeCommit) { c.Events[0].RecordedAt = c.RecordedAt.Add(time.Microsecond) },
		"link":        func(c *ports.WholeCommit) { c.Link[0] ^= 1 },
		"no events":   func(c *ports.WholeCommit) { c.Events = nil },
		"rehashed": func(c *ports.WholeCommit) {
			c.Events[0].RawData = []byte(`{}`)
			c.Events[0].Digest = c.Events[0].ComputeDigest()
		},
		"time set back": func(c *ports.WholeCommit) { c.RecordedAt = c.RecordedAt.Add(-time.Hour) },
	} {
		all := wholeCommits(t, source)
		change(&all[2])
		if err := importer.Import(t.Context(), all...); err == nil || errors.Is(err, ports.ErrConflict) {
			t.Errorf("changed %s: %v", name, err)
		}
		if h := head(t, target); h.LastPosition != 0 {
			t.Fatalf("changed %s: the log was written up to %d", name, h.LastPosition)
		}
	}
}
