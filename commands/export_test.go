package commands_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

func headKey(t *testing.T, seed byte) audit.Signer {
	t.Helper()
	s, err := audit.NewSigner("test", bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// audited is a log of 9 events in 5 commits, two texts among each other.
func audited(t *testing.T) *memory.EventStore {
	t.Helper()
	store := &memory.EventStore{}
	write := func(stream string, expected int, e ...events.Event) ports.Write {
		return ports.Write{StreamID: stream, Expected: expected, Events: e, Meta: events.Meta{Tenant: "acme"}}
	}
	accepted, attempted := events.MessageAccepted{To: "+1", Body: "<hello>"}, events.MessageAttempted{Attempt: 1}
	for _, commit := range [][]ports.Write{
		{write("key_1", 0, events.KeyIssued{Tenant: "acme"})},
		{write("msg_1", 0, accepted), write("msg_2", 0, accepted)},
		{write("msg_2", 1, attempted), write("msg_1", 1, attempted)},
		{write("msg_1", 2, events.MessageDispatched{Attempt: 1}, events.MessageDelivered{})},
		{write("msg_2", 2, events.MessageDispatched{Attempt: 1}), write("msg_3", 0, accepted)},
	} {
		if _, err := store.Append(t.Context(), commit...); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func export(t *testing.T, x commands.Export) []byte {
	t.Helper()
	x.Head = func(ctx context.Context, _ int64) (audit.Head, []byte, error) {
		commit, err := x.Store.Head(ctx)
		h := audit.Head{Position: commit.LastPosition, Link: commit.Link, SignedAt: commit.RecordedAt}
		return h, headKey(t, 7).Sign(h), err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	if err := x.Run(t.Context(), func(l audit.Line) error { return encoder.Encode(l) }); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAnExportVerifiesAndAChangedOneDoesNot(t *testing.T) {
	verifier := headKey(t, 7).Verifier()
	stranger := headKey(t, 8).Verifier()
	for _, tt := range []struct {
		name   string
		export commands.Export
		first  int64
		events int
	}{
		{"a text", commands.Export{Stream: "msg_1"}, 2, 4},
		{"all", commands.Export{First: 1, Last: 9}, 1, 9},
		{"a range that cuts commits", commands.Export{First: 3, Last: 6}, 3, 4},
		{"one event", commands.Export{First: 9, Last: 9}, 9, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.export.Store = audited(t)
			bundle := export(t, tt.export)
			checked, err := audit.Check(bytes.NewReader(bundle), &verifier)
			if err != nil || checked.First != tt.first || checked.Events != tt.events || checked.Head.Position != 9 || checked.Head.SignedAt.IsZero() {
				t.Fatalf("%+v, %v\n%s", checked, err, bundle)
			}
			if _, err := audit.Check(bytes.NewReader(bundle), nil); err != nil {
				t.Errorf("without a key: %v", err)
			}
			if _, err := audit.Check(bytes.NewReader(bundle), &stranger); err == nil {
				t.Error("verifies with another key")
			}
			for at := range bundle {
				if tt.export.Stream == "" && at%37 != 0 || at == len(bundle)-1 {
					continue // every byte of one bundle is enough; the last is a newline
				}
				changed := bytes.Clone(bundle)
				changed[at] ^= 1
				tries := map[string][]byte{"changed": changed}
				if at%11 == 0 {
					tries["put in"] = slices.Insert(bytes.Clone(bundle), at, 'x')
					tries["left out"] = slices.Delete(bytes.Clone(bundle), at, at+1)
				}
				for name, bad := range tries {
					line := 1 + bytes.Count(bundle[:at], []byte("\n"))
					_, err := audit.Check(bytes.NewReader(bad), &verifier)
					if fault, ok := errors.AsType[audit.Fault](err); !ok || fault.Line != line && line > 1 { // the first is held against the others
						t.Fatalf("byte %d %s, in line %d: %v", at, name, line, err)
					}
				}
			}
			lines := bytes.SplitAfter(bytes.TrimSuffix(bundle, []byte("\n")), []byte("\n"))
			lines[len(lines)-1] = append(lines[len(lines)-1], '\n')
			for i := range lines {
				cut := bytes.Join(lines[:i], nil)
				without := bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)
				twice := bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil)
				swapped := slices.Clone(lines)
				swapped[i], swapped[(i+1)%len(lines)] = swapped[(i+1)%len(lines)], swapped[i]
				for name, bad := range map[string][]byte{"cut off before": cut, "without": without, "twice": twice, "swapped": bytes.Join(swapped, nil)} {
					if _, err := audit.Check(bytes.NewReader(bad), &verifier); err == nil {
						t.Errorf("verifies with line %d %s:\n%s", i+1, name, bad)
					}
				}
			}
		})
	}
}

func TestWhatIsNotThereIsNotExported(t *testing.T) {
	store := audited(t)
	for _, x := range []commands.Export{{Stream: "msg_9"}, {First: 0, Last: 3}, {First: 4, Last: 3}, {First: 9, Last: 10}} {
		x.Store = store
		if err := x.Run(t.Context(), nil); !errors.Is(err, commands.ErrNothingToExport) {
			t.Errorf("%q %d-%d: %v", x.Stream, x.First, x.Last, err)
		}
	}
}

// setBack is a log that somebody has rewritten behind its first event.
type setBack struct{ ports.EventStore }

func (s setBack) Commits(ctx context.Context, after int64, limit int) ([]ports.Commit, error) {
	commits, err := s.EventStore.Commits(ctx, after, limit)
	for i := range commits {
		commits[i].Link[0] ^= 1
	}
	return commits, err
}

func TestAHeadIsSignedWhenTheLogHasGrownAndHoldsTheLastOne(t *testing.T) {
	store := audited(t)
	var kept []audit.Head
	var other audit.Head // that another keeper has
	full := errors.New("disk full")
	var failing error
	s := commands.HeadSigner{
		Store: store, Signer: func(context.Context) audit.Signer { return headKey(t, 7) }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Keepers: []commands.HeadKeeper{{
			Last: func() (audit.Head, error) {
				if len(kept) == 0 {
					return audit.Head{}, nil
				}
				return kept[len(kept)-1], nil
			},
			Keep: func(_ context.Context, h audit.Head, _ []byte) error {
				if failing == nil {
					kept = append(kept, h)
				}
				return failing
			},
		}, {
			Last: func() (audit.Head, error) { return other, nil },
			Keep: func(_ context.Context, h audit.Head, _ []byte) error { other = h; return nil },
		}},
	}
	sign := func() ([]byte, error) {
		t.Helper()
		return s.Sign(t.Context())
	}
	failing = full
	if _, err := sign(); !errors.Is(err, full) {
		t.Errorf("Keep failed and Sign said %v", err)
	}
	if other.Position != 9 {
		t.Errorf("a keeper that failed kept the other from position 9: %+v", other)
	}
	failing = nil
	note, err := sign()
	if err != nil || len(kept) != 1 || kept[0].Position != 9 {
		t.Fatalf("signed %+v, %v", kept, err)
	}
	if opened, err := headKey(t, 7).Verifier().Open(note); err != nil || opened != kept[0] {
		t.Errorf("the note holds %+v, %v", opened, err)
	}
	if note, err := sign(); err != nil || note != nil {
		t.Errorf("signed the same head again: %q, %v", note, err)
	}
	if _, err := store.Append(t.Context(), ports.Write{StreamID: "msg_1", Expected: 4, Events: []events.Event{events.MessageReceiptIgnored{}}}); err != nil {
		t.Fatal(err)
	}
	s.Store = setBack{store}
	if _, err := sign(); !errors.Is(err, commands.ErrRewritten) {
		t.Errorf("signed a log that was rewritten: %v", err)
	}
	s.Store = &memory.EventStore{}
	if _, err := sign(); !errors.Is(err, commands.ErrRewritten) {
		t.Errorf("signed a log that was cut off: %v", err)
	}
	s.Store = store
	if _, err := sign(); err != nil || len(kept) != 2 {
		t.Errorf("signed %s, %v", fmt.Sprint(kept), err)
	}
}

func TestAHeadIsSignedEachMinuteThatTheLogGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := audited(t)
		var last audit.Head
		var signed atomic.Int32
		failures := 1
		s := commands.HeadSigner{
			Store: store, Signer: func(context.Context) audit.Signer { return headKey(t, 7) }, Log: slog.New(slog.DiscardHandler),
			Keepers: []commands.HeadKeeper{{
				Last: func() (audit.Head, error) { return last, nil },
				Keep: func(_ context.Context, h audit.Head, _ []byte) error {
					if failures--; failures >= 0 {
						return errors.New("disk full")
					}
					last = h
					signed.Add(1)
					return nil
				},
			}},
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		for minute, want := range []int32{0, 1, 1, 2, 2} { // the first fails, and nothing comes in the third
			synctest.Wait()
			if got := signed.Load(); got != want {
				t.Errorf("minute %d: %d heads, want %d", minute, got, want)
			}
			if minute == 2 {
				if _, err := store.Append(t.Context(), ports.Write{StreamID: "msg_1", Expected: 4, Events: []events.Event{events.MessageReceiptIgnored{}}}); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Minute)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}
