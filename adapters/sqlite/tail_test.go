package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// held returns n events from a position on.
func held(first int64, n int) []events.Recorded {
	commit := make([]events.Recorded, n)
	for i := range commit {
		commit[i] = events.Recorded{Position: first + int64(i), StreamID: fmt.Sprint(first + int64(i))}
	}
	return commit
}

func positions(page []events.Recorded) (all []int64) {
	for _, r := range page {
		all = append(all, r.Position)
	}
	return all
}

func TestATailHasNoGaps(t *testing.T) {
	var tl tail
	check := func(after int64, limit int, want ...int64) {
		t.Helper()
		if diff := cmp.Diff(want, positions(tl.after(after, limit))); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", after, diff)
		}
	}
	check(0, 10)
	tl.add(held(5, 3))
	check(3, 10)
	check(4, 10, 5, 6, 7)
	check(5, 1, 6)
	check(7, 10)
	check(9, 10)
	tl.add(held(8, 2))
	check(6, 10, 7, 8, 9)
	tl.add(held(12, 1)) // 10 and 11 are reported later
	check(8, 10)
	check(11, 10, 12)
	tl.add(held(10, 2))
	check(9, 10)
	check(11, 10, 12)
	tl.drop()
	check(11, 10)
}

func TestATailIsBounded(t *testing.T) {
	var tl tail
	for first := int64(1); first < 10*tailSize; first += 64 {
		tl.add(held(first, 64))
		last := first + 63
		if got := len(tl.after(max(0, last-tailSize), 2*tailSize)); got > tailSize || int64(got) < min(last, tailSize-63) {
			t.Fatalf("of %d events it holds %d, want up to %d", last, got, tailSize)
		}
	}
	if got := tl.after(8*tailSize, 1); got != nil {
		t.Errorf("it holds event %d, which is too long ago", got[0].Position)
	}
}

// TestAFeedIsReadFromMemoryAndFromTheFile follows a log past what memory holds: frames
// are the same from either.
func TestAFeedIsReadFromMemoryAndFromTheFile(t *testing.T) {
	db := open(t)
	for i := range 5 {
		appendAll(t, db.EventStore(), attempts(fmt.Sprint("a", i), 0, 3))
	}
	held, err := db.store.frame(t.Context(), 4)
	if err != nil || held.First != 5 || held.Last != 15 {
		t.Fatalf("the frame is %d to %d, %v; want 5 to 15", held.First, held.Last, err)
	}
	if len(db.store.tail.after(0, 100)) != 15 {
		t.Error("memory does not hold what was appended")
	}
	db.store.tail.drop()
	read, err := db.store.frame(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(read.Encode()), string(held.Encode())); diff != "" {
		t.Errorf("memory differs from the file (-file +memory):\n%s", diff)
	}
	if diff := cmp.Diff(read, held, cmpopts.IgnoreUnexported(ports.EventFrame{})); diff != "" {
		t.Errorf("memory differs from the file (-file +memory):\n%s", diff)
	}
}

func TestOffsetsOutliveTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := openAt(t, path)
	appendAll(t, db.EventStore(), attempts("a", 0, 3))
	messages, err := db.Feed("relay").Subscribe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	(<-messages).Ack()
	appendAll(t, db.EventStore(), attempts("a", 3, 1))
	<-messages // comes once the ack before it counts
	if got, err := db.Position(t.Context(), "relay"); err != nil || got != 3 {
		t.Errorf("Position = %d, %v; want 3", got, err)
	}
	closeDB(t, db)
	db = openAt(t, path)
	if got, err := db.Position(t.Context(), "relay"); err != nil || got != 3 {
		t.Errorf("after reopening, Position = %d, %v; want 3", got, err)
	}
}

func TestAFeedTellsOfWhatIsDetached(t *testing.T) {
	db := open(t)
	appendAll(t, db.EventStore(), attempts("a", 0, 3))
	rows, err := db.EventStore().Read(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Importer().Detach(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	frame, err := db.store.frame(t.Context(), 0)
	if err != nil || len(frame.Events) != 3 || !frame.Events[0].Detached() {
		t.Errorf("the frame still has what is detached: %d events, %v", len(frame.Events), err)
	}
}
