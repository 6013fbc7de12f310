package commands_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/commands/verify"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// aged is a log of messages at several places of their lives, message i in streams
// msg_<place>_<i>, and of what is no message. It ends amid a message.
func aged(t *testing.T) *sqlite.DB {
	t.Helper()
	db := openFile(t)
	text := events.MessageAccepted{To: "+15005550006", Body: "text", Lane: "normal", Consent: "consent_1"}
	sent := []events.Event{text, events.MessageAttempted{Attempt: 1, Provider: "p"}, events.MessageDispatched{Attempt: 1, Provider: "p"}}
	lives := map[string][]events.Event{
		"delivered":  append(sent[:3:3], events.MessageDelivered{}),
		"dispatched": sent,
		"canceled":   {text, events.MessageCanceled{By: "test"}},
		"waiting":    {text},
		"dead":       append(sent[:2:2], events.MessageDeadLettered{Reason: "permanent"}),
		"redriven":   append(sent[:2:2], events.MessageDeadLettered{Reason: "permanent"}, events.MessageRedriven{}, events.MessageCanceled{By: "test"}),
	}
	for i := range 4 {
		var writes []ports.Write
		for place, life := range lives {
			writes = append(writes, ports.Write{StreamID: fmt.Sprintf("msg_%s_%d", place, i), Events: life, Meta: events.Meta{Tenant: "acme"}})
		}
		writes = append(writes, ports.Write{StreamID: "consent_1", Expected: i, Events: []events.Event{events.ConsentOptedIn{Number: "+15005550006"}}})
		appendAll(t, db.EventStore(), writes...)
	}
	appendAll(t, db.EventStore(), ports.Write{StreamID: "msg_late", Events: []events.Event{text}, Meta: events.Meta{Tenant: "acme"}})
	return db
}

func appendAll(t *testing.T, store ports.EventStore, writes ...ports.Write) {
	t.Helper()
	results, err := store.Append(t.Context(), writes...)
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// whole is the archive of all that db holds, and a Detacher for it.
func whole(t *testing.T, db *sqlite.DB) ([]byte, commands.Detacher) {
	t.Helper()
	head, err := db.EventStore().Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := archived(t, db.EventStore(), 1, head.LastPosition)
	checked, err := audit.CheckArchive(bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	return file, commands.Detacher{
		Store: db.EventStore(), Importer: db.Importer(), Archive: checked, Name: "a.gz",
		Before: time.Now().Add(time.Minute), Meta: events.Meta{Actor: "operator:test"}, AtOnce: 20,
	}
}

func attach(t *testing.T, d commands.Detacher, file []byte) (int, error) {
	t.Helper()
	lines, err := audit.Unpack(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return d.Attach(t.Context(), lines)
}

func TestWhatIsOverIsDetachedAndNothingElse(t *testing.T) {
	db := aged(t)
	before := allCommits(t, db.EventStore())
	file, d := whole(t, db)
	appendAll(t, db.EventStore(), ports.Write{StreamID: "msg_late", Expected: 1, Events: []events.Event{events.MessageCanceled{By: "test"}}})
	if done, err := d.Run(t.Context()); err != nil || done != (commands.Detached{Messages: 8, Events: 24}) {
		t.Fatalf("detached %+v, %v", done, err)
	}
	for _, c := range allCommits(t, db.EventStore()) {
		for _, e := range c.Events {
			over := bytes.HasPrefix([]byte(e.StreamID), []byte("msg_delivered")) || bytes.HasPrefix([]byte(e.StreamID), []byte("msg_canceled"))
			if e.Detached() != over {
				t.Fatalf("%s of %s detached: %t", e.Type, e.StreamID, e.Detached())
			}
		}
	}
	if done, err := d.Run(t.Context()); err != nil || done != (commands.Detached{}) {
		t.Errorf("again: %+v, %v", done, err)
	}
	for _, want := range []int{24, 0} {
		if n, err := attach(t, d, file); n != want || err != nil {
			t.Errorf("attached %d, %v; want %d", n, err, want)
		}
	}
	after := allCommits(t, db.EventStore())
	if diff := cmp.Diff(before, after[:len(before)]); diff != "" {
		t.Errorf("(-before +attached)\n%s", diff)
	}
	var said []string
	for _, c := range after[len(before)+1:] {
		said = append(said, c.Events[0].Type)
	}
	if diff := cmp.Diff([]string{"log.detached", "log.attached"}, said); diff != "" {
		t.Errorf("the log says (-want +got)\n%s", diff)
	}
}

func TestWhatHappenedLatelyStays(t *testing.T) {
	db := aged(t)
	_, d := whole(t, db)
	d.Before = time.Now().Add(-time.Hour)
	if done, err := d.Run(t.Context()); err != nil || done != (commands.Detached{}) {
		t.Errorf("detached %+v, %v", done, err)
	}
}

func TestAnArchiveOfAnotherLogDetachesNothing(t *testing.T) {
	_, d := whole(t, aged(t))
	other := aged(t)
	before := allCommits(t, other.EventStore())
	d.Store, d.Importer = other.EventStore(), other.Importer()
	if _, err := d.Run(t.Context()); !errors.Is(err, commands.ErrNotOfThisLog) {
		t.Errorf("detached: %v", err)
	}
	if diff := cmp.Diff(before, allCommits(t, other.EventStore())); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
}

// killed fails from the n-th call of a change on, before or after it is done.
type killed struct {
	ports.EventStore
	ports.Importer
	left *int
	done bool
}

var errKilled = errors.New("killed")

func (k killed) at(call func() error) error {
	*k.left--
	if *k.left > 0 {
		return call()
	}
	if *k.left == 0 && k.done {
		return errors.Join(call(), errKilled)
	}
	return errKilled
}

func (k killed) Append(ctx context.Context, writes ...ports.Write) (results []ports.Result, err error) {
	err = k.at(func() error { results, err = k.EventStore.Append(ctx, writes...); return err })
	return results, err
}

func (k killed) Detach(ctx context.Context, rows ...events.Recorded) error {
	return k.at(func() error { return k.Importer.Detach(ctx, rows...) })
}

func (k killed) Attach(ctx context.Context, rows ...events.Recorded) (n int, err error) {
	err = k.at(func() error { n, err = k.Importer.Attach(ctx, rows...); return err })
	return n, err
}

func TestDetachingAndAttachingGoOnWhereverTheyAreKilled(t *testing.T) {
	db := aged(t)
	before := allCommits(t, db.EventStore())
	file, d := whole(t, db)
	plain := allOf(t, db.EventStore(), len(before))
	if _, err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	bare := allOf(t, db.EventStore(), len(before))
	if _, err := attach(t, d, file); err != nil {
		t.Fatal(err)
	}
	for _, done := range []bool{false, true} {
		for step := 1; step <= 3; step++ { // the event, and two transactions
			left := step
			k := killed{EventStore: db.EventStore(), Importer: db.Importer(), left: &left, done: done}
			dying := d
			dying.Store, dying.Importer = k, k
			_, err := dying.Run(t.Context())
			if !errors.Is(err, errKilled) {
				t.Fatalf("step %d of detaching: %v", step, err)
			}
			verifies(t, db.EventStore())
			if _, err := d.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(bare, allOf(t, db.EventStore(), len(before))) { // cmp.Diff takes a second
				t.Fatalf("killed in step %d, and detached again it is another log", step)
			}
			left = step
			_, err = attach(t, dying, file)
			if step < 3 && !errors.Is(err, errKilled) { // one transaction, and the event
				t.Fatalf("step %d of attaching: %v", step, err)
			}
			verifies(t, db.EventStore())
			if _, err := attach(t, d, file); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(plain, allOf(t, db.EventStore(), len(before))) {
				t.Fatalf("killed in step %d, and attached again it is another log", step)
			}
		}
	}
}

// allOf returns the first commits of a log.
func allOf(t *testing.T, store ports.EventStore, n int) []ports.WholeCommit {
	t.Helper()
	var all []ports.WholeCommit
	err := commands.WholeCommits(t.Context(), store, 0, int64(n)*1000, 10_000, func(page []ports.WholeCommit) error {
		all = append(all, page...)
		return io.EOF
	})
	if !errors.Is(err, io.EOF) || len(all) < n {
		t.Fatalf("%d commits, %v", len(all), err)
	}
	return all[:n]
}

// verifies holds a log to its chain.
func verifies(t *testing.T, store ports.EventStore) *verify.Report {
	t.Helper()
	report, err := verify.Log(t.Context(), verify.Options{Store: store, MaxRetries: 5, Patience: time.Hour})
	if err != nil || !report.OK() {
		t.Fatalf("%+v, %v", report, err)
	}
	return report
}

func TestADetachedLogVerifiesAndWithItsArchiveAsIfWhole(t *testing.T) {
	db := aged(t)
	file, d := whole(t, db)
	want := verifies(t, db.EventStore())
	if _, err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want.Head++
	if got := verifies(t, db.EventStore()); got.Detached != 24 || got.Messages != want.Messages-8 {
		t.Errorf("without the archive: %+v", got)
	}
	log := &commands.Archived{EventStore: db.EventStore(), Open: func(name string) (io.ReadCloser, error) {
		if name != "a.gz" {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(file)), nil
	}}
	defer log.Close()
	for range 2 { // from the beginning once more
		if diff := cmp.Diff(want, verifies(t, log)); diff != "" {
			t.Errorf("with the archive (-whole +detached)\n%s", diff)
		}
	}
	if again := archived(t, log, 1, d.Archive.Last); !bytes.Equal(again, file) {
		t.Error("an archive made of the archive is another")
	}
}

func TestAPayloadThatNoArchiveIsSaidToHoldIsFound(t *testing.T) {
	db := aged(t)
	rows, err := db.EventStore().Load(t.Context(), "msg_canceled_3")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Importer().Detach(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	report, err := verify.Log(t.Context(), verify.Options{Store: db.EventStore(), MaxRetries: 5})
	if err != nil || report.Counts["G2"] != 2 || report.Findings[0].Position != rows[0].Position {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestTheKeyOfADetachedMessageStaysTaken(t *testing.T) {
	db := openFile(t)
	lookup, err := commands.OpenLookup(t.Context(), db.Keyring(), commands.Master{})
	if err != nil {
		t.Fatal(err)
	}
	handler := &commands.Handler{Store: db.EventStore(), Lookup: lookup}
	acme, other := commands.Caller{Tenant: "acme", Actor: "key:1"}, commands.Caller{Tenant: "other", Actor: "key:2"}
	text := commands.Send{To: "+14155552671", Body: "once", IdempotencyKey: "k"}
	sent, err := handler.Send(t.Context(), acme, text)
	if err == nil {
		err = handler.Cancel(t.Context(), acme, sent.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	file, d := whole(t, db)
	if _, err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"once", "another"} {
		text.Body = body
		if _, err := handler.Send(t.Context(), acme, text); !errors.Is(err, ports.Archived{Archive: "a.gz"}) {
			t.Errorf("sent again: %v", err)
		}
	}
	if err := handler.Cancel(t.Context(), acme, sent.ID); !errors.Is(err, ports.Archived{Archive: "a.gz"}) {
		t.Errorf("canceled by its tenant: %v", err)
	}
	if err := handler.Cancel(t.Context(), other, sent.ID); errors.As(err, new(ports.Archived)) || err == nil {
		t.Errorf("canceled by another tenant: %v", err)
	}
	if _, err := attach(t, d, file); err != nil {
		t.Fatal(err)
	}
	text.Body = "once"
	if again, err := handler.Send(t.Context(), acme, text); err != nil || !again.Replayed || again.ID != sent.ID {
		t.Errorf("attached, and sent again: %+v, %v", again, err)
	}
}
