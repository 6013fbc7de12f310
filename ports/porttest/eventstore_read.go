package porttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// announceWithin is how long a hint may take before we call it lost.
const announceWithin = 10 * time.Second

func unknownStreamIsEmpty(t *testing.T, store ports.EventStore) {
	appendAll(t, store, write("known", 0, 1))
	if got := load(t, store, "unknown"); len(got) != 0 {
		t.Errorf("Load = %d events, want none", len(got))
	}
	got, err := store.LoadMany(t.Context(), []string{"unknown", "known"})
	if err != nil {
		t.Fatalf("LoadMany: %v", err)
	}
	if _, ok := got["unknown"]; ok || len(got["known"]) != 1 || len(got) != 1 {
		t.Errorf("LoadMany = %v, want only the known stream", got)
	}
	if got, err := store.LoadMany(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("LoadMany of nothing = %v, %v; want nothing", got, err)
	}
}

func emptyLogHasNoHead(t *testing.T, store ports.EventStore) {
	if got := head(t, store); got != (ports.Commit{}) {
		t.Errorf("Head = %+v, want the zero commit", got)
	}
	if got := readLog(t, store); len(got) != 0 {
		t.Errorf("Read = %d events, want none", len(got))
	}
	if got := readCommits(t, store); len(got) != 0 {
		t.Errorf("Commits = %v, want none", got)
	}
}

func readBackTheSame(t *testing.T, store ports.EventStore) {
	writes := []ports.Write{
		{StreamID: "a", Events: []events.Event{accepted("one"), attempted(1)}, Meta: sampleMeta("key:1")},
		{StreamID: "b", Events: []events.Event{accepted("two")}},
		{StreamID: "a", Expected: 2, Events: []events.Event{attempted(2)}, Meta: sampleMeta("dispatcher")},
	}
	results := appendAll(t, store, writes[:2]...)
	results = append(results, appendAll(t, store, writes[2])...)

	var want []events.Recorded
	for i, w := range writes {
		for j, e := range w.Events {
			want = append(want, recorded(t, w, j, e, results[i]))
		}
	}
	if diff := cmp.Diff(want, readLog(t, store)); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	a, b := []events.Recorded{want[0], want[1], want[3]}, []events.Recorded{want[2]}
	if diff := cmp.Diff(a, load(t, store, "a")); diff != "" {
		t.Errorf("Load(a) (-want +got):\n%s", diff)
	}
	many, err := store.LoadMany(t.Context(), []string{"b", "a", "b"})
	if diff := cmp.Diff(map[string][]events.Recorded{"a": a, "b": b}, many); diff != "" || err != nil {
		t.Errorf("LoadMany: %v (-want +got):\n%s", err, diff)
	}
}

// recorded returns event i of w as a store must give it back.
func recorded(t *testing.T, w ports.Write, i int, e events.Event, result ports.Result) events.Recorded {
	t.Helper()
	r, err := events.Prepare(w.StreamID, w.Expected+i+1, e, w.Meta)
	if err != nil {
		t.Fatal(err)
	}
	r.Position = result.FirstPosition + int64(i)
	r.RecordedAt = result.RecordedAt
	r.Digest = r.ComputeDigest()
	if err := r.Decode(); err != nil {
		t.Fatal(err)
	}
	return r
}

func textIsKept(t *testing.T, store ports.EventStore) {
	w := ports.Write{StreamID: "a", Events: []events.Event{accepted(awkward)}, Meta: sampleMeta(awkward)}
	result := appendAll(t, store, w)[0]
	want := []events.Recorded{recorded(t, w, 0, w.Events[0], result)}
	for name, got := range map[string][]events.Recorded{"Load": load(t, store, "a"), "Read": readLog(t, store)} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func readPageByPage(t *testing.T, store ports.EventStore) {
	for i := range 4 { // commits 1-3, 4-6, 7-9, 10-12
		appendAll(t, store, write("a", 2*i, 2), write("b", i, 1))
	}
	var paged []events.Recorded
	for _, limit := range []int{1, 4, 5, 100} {
		page, err := store.Read(t.Context(), int64(len(paged)), limit)
		if err != nil || len(page) > limit {
			t.Fatalf("Read of %d = %d events, %v", limit, len(page), err)
		}
		paged = append(paged, page...)
	}
	if diff := cmp.Diff(readLog(t, store), paged); diff != "" {
		t.Errorf("pages differ from the whole (-whole +pages):\n%s", diff)
	}
	if past, err := store.Read(t.Context(), 12, 10); err != nil || len(past) != 0 {
		t.Errorf("Read after the head = %v, %v; want nothing", past, err)
	}
	all := readCommits(t, store)
	for _, tt := range []struct {
		after int64
		limit int
		want  []ports.Commit
	}{{0, 2, all[:2]}, {2, 1, all[:1]}, {3, 2, all[1:3]}, {11, 9, all[3:]}, {12, 9, nil}} {
		got, err := store.Commits(t.Context(), tt.after, tt.limit)
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("Commits(%d, %d): %v (-want +got):\n%s", tt.after, tt.limit, err, diff)
		}
	}
}

func canceledWritesNothing(t *testing.T, store ports.EventStore) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Append(ctx, write("a", 0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Append: %v, want context.Canceled", err)
	}
	if _, err := store.Load(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v, want context.Canceled", err)
	}
	if got := head(t, store); got != (ports.Commit{}) {
		t.Errorf("Head = %+v, want an empty log", got)
	}
}

func changeIsAnnounced(t *testing.T, store ports.EventStore) {
	for i := range 3 {
		changed := store.Changed()
		appendAll(t, store, write("a", i, 1))
		select {
		case <-changed:
		case <-time.After(announceWithin):
			t.Fatalf("no change announced after append %d", i+1)
		}
	}
}
