package postgres_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/ports"
)

func TestAFrameIsBounded(t *testing.T) {
	db, err := postgres.Open(t.Context(), postgres.Config{URL: migrated(t), FrameSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.EventStore().Append(t.Context(), attempts("a", 0, 8)); err != nil {
		t.Fatal(err)
	}
	feed := db.Feed("relay")
	defer closeFeed(t, feed)
	messages := subscribe(t, feed)
	for _, want := range []struct{ first, last int64 }{{1, 3}, {4, 6}, {7, 8}} {
		m, frame := next(t, messages)
		if frame.First != want.first || frame.Last != want.last {
			t.Errorf("frame %d to %d, want %d to %d", frame.First, frame.Last, want.first, want.last)
		}
		m.Ack()
	}
}

// TestAFrameIsTheSameFromMemoryAndFromTheTable reads a log by who wrote it, and by who
// did not.
func TestAFrameIsTheSameFromMemoryAndFromTheTable(t *testing.T) {
	url := migrated(t)
	writer, other := connect(t, url), connect(t, url)
	for _, id := range []string{"a", "b", "c"} {
		if _, err := writer.EventStore().Append(t.Context(), attempts(id, 0, 2)); err != nil {
			t.Fatal(err)
		}
	}
	frames := map[string]string{}
	for name, db := range map[string]*postgres.DB{"memory": writer, "table": other} {
		feed := db.Feed(name)
		defer closeFeed(t, feed)
		m, frame := next(t, subscribe(t, feed))
		if frame.First != 1 || frame.Last != 6 {
			t.Errorf("from %s it is %d to %d, want 1 to 6", name, frame.First, frame.Last)
		}
		frames[name] = string(m.Payload)
		m.Ack()
	}
	if diff := cmp.Diff(frames["table"], frames["memory"]); diff != "" {
		t.Errorf("memory differs from the table (-table +memory):\n%s", diff)
	}
}

// TestAFeedFollowsALogThatWasPutInThePlaceOfItsOwn is what a restored backup, or a
// failover to a server that lacks the last commits, does to whoever holds those.
func TestAFeedFollowsALogThatWasPutInThePlaceOfItsOwn(t *testing.T) {
	url := migrated(t)
	db := connect(t, url)
	if _, err := db.EventStore().Append(t.Context(), attempts("lost", 0, 2)); err != nil {
		t.Fatal(err)
	}
	empty(t, owner(t, url))
	if _, err := connect(t, url).EventStore().Append(t.Context(), attempts("found", 0, 2)); err != nil {
		t.Fatal(err)
	}
	feed := db.Feed("relay")
	defer closeFeed(t, feed)
	m, frame := next(t, subscribe(t, feed))
	if len(frame.Events) != 2 || frame.Events[0].StreamID != "found" {
		t.Errorf("the frame has %d events, of stream %s", len(frame.Events), frame.Events[0].StreamID)
	}
	m.Ack()
}

// empty takes everything out of a log, which only its owner can.
func empty(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	run(t, conn, `ALTER TABLE events DISABLE TRIGGER append_only; ALTER TABLE commits DISABLE TRIGGER append_only;
		DELETE FROM events; DELETE FROM commits;
		ALTER TABLE events ENABLE ALWAYS TRIGGER append_only; ALTER TABLE commits ENABLE ALWAYS TRIGGER append_only`)
}

func TestAFeedKnowsItsPosition(t *testing.T) {
	db := open(t)
	feed := db.Feed("relay")
	defer closeFeed(t, feed)
	if got, err := feed.Position(t.Context()); err != nil || got != 0 {
		t.Errorf("Position before the first event = %d, %v; want 0", got, err)
	}
	if _, err := db.EventStore().Append(t.Context(), attempts("a", 0, 2)); err != nil {
		t.Fatal(err)
	}
	messages := subscribe(t, feed)
	m, _ := next(t, messages)
	m.Ack()
	appendOne(t, db.EventStore(), "b")
	next(t, messages) // its ack is outstanding, the one before is committed
	if got, err := feed.Position(t.Context()); err != nil || got != 2 {
		t.Errorf("Position = %d, %v; want 2", got, err)
	}
}

func TestAFrameComesAgainAfterItsConnectionWasLost(t *testing.T) {
	url := migrated(t)
	db := connect(t, url)
	appendOne(t, db.EventStore(), "a")
	feed := db.Feed("relay")
	defer closeFeed(t, feed)
	messages := subscribe(t, feed)
	m, _ := next(t, messages)
	kill(t, owner(t, url), `state = 'idle in transaction'`)
	m.Ack() // which cannot be committed
	again, frame := next(t, messages)
	if frame.First != 1 {
		t.Errorf("the next frame begins at %d, want 1 again", frame.First)
	}
	again.Ack()
}

func TestALogIsNotPublishedTo(t *testing.T) {
	if _, ok := any(open(t).Feed("relay")).(message.Publisher); ok {
		t.Error("a feed can publish")
	}
}

func subscribe(t *testing.T, feed *postgres.Feed) <-chan *message.Message {
	t.Helper()
	messages, err := feed.Subscribe(t.Context(), ports.TopicEvents)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func closeFeed(t *testing.T, feed *postgres.Feed) {
	t.Helper()
	if err := feed.Close(); err != nil {
		t.Error(err)
	}
}

func next(t *testing.T, messages <-chan *message.Message) (*message.Message, ports.EventFrame) {
	t.Helper()
	m := await(t, messages, "a frame")
	if m == nil {
		t.Fatal("the channel is closed")
	}
	frame, err := ports.DecodeEvents(m.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return m, frame
}

func TestAFeedWaitsForAServerThatIsInTrouble(t *testing.T) {
	url := migrated(t)
	complaints := make(lines, 10)
	db, err := postgres.Open(t.Context(), postgres.Config{
		URL: url, Logger: slog.New(slog.NewTextHandler(complaints, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	appendOne(t, db.EventStore(), "a")
	conn := owner(t, url)
	run(t, conn, `BEGIN; LOCK TABLE relay_offsets`)
	feed := db.Feed("relay")
	defer closeFeed(t, feed)
	subscribed := make(chan (<-chan *message.Message), 1)
	go func() {
		messages, err := feed.Subscribe(t.Context(), ports.TopicEvents)
		if err != nil {
			t.Error(err)
		}
		subscribed <- messages
	}()
	kill(t, owner(t, url), `wait_event_type = 'Lock'`)
	if line := await(t, complaints, "a complaint"); !strings.Contains(line, "subscribing to the log") {
		t.Errorf("the log says %s", line)
	}
	run(t, conn, `ROLLBACK`)
	m, _ := next(t, await(t, subscribed, "a subscription"))
	m.Ack()
}

// lines is a writer that hands on what is written, as far as there is room.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}
