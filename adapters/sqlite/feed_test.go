package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pro-sms/prosms/ports"
)

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
	if len(db.store.tail.After(0, 100)) != 15 {
		t.Error("memory does not hold what was appended")
	}
	db.store.tail.Drop()
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
