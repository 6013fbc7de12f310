package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// house is a log with views and the runner that keeps them in step.
type house struct {
	store  *memory.EventStore
	views  *memory.Views
	runner *Runner
}

func newHouse() *house {
	h := &house{store: &memory.EventStore{}, views: &memory.Views{}}
	h.runner = h.newRunner(h.views)
	return h
}

func (h *house) newRunner(views ports.Views) *Runner {
	return &Runner{
		Store: h.store, Views: views, Projections: []Projection{Messages(), Keys(), DeadLetters(), Replays()},
		Log: slog.New(slog.DiscardHandler), FrameSize: 3,
	}
}

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

// append adds events to the log, each in a commit of its own.
func (h *house) append(t fataler, id string, log ...events.Event) {
	t.Helper()
	stream, err := h.store.Load(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range log {
		results, err := h.store.Append(context.Background(), ports.Write{
			StreamID: id, Expected: len(stream) + i, Events: []events.Event{e}, Meta: events.Meta{Tenant: "acme"},
		})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
	}
}

// frame is what the bus brings of the log from first to last.
func (h *house) frame(t fataler, first, last int64) *message.Message {
	t.Helper()
	part, err := h.store.Read(context.Background(), first-1, int(last-first+1))
	if err != nil || int64(len(part)) != last-first+1 {
		t.Fatal(len(part), err)
	}
	payload, err := json.Marshal(ports.EventFrame{First: first, Last: last, Events: part})
	if err != nil {
		t.Fatal(err)
	}
	return message.NewMessage(fmt.Sprint(first, "-", last), payload)
}

// expect checks that the views are what follows from the log up to a position.
func (h *house) expect(t fataler, position int64) {
	t.Helper()
	ctx := context.Background()
	log, err := h.store.Read(ctx, 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range h.runner.Projections {
		if checkpoint, err := h.views.Checkpoint(ctx, p.Name); checkpoint != position || err != nil {
			t.Errorf("%s is at %d, %v; want %d", p.Name, checkpoint, err, position)
		}
		byID := map[string][]events.Recorded{}
		for _, e := range log[:position] {
			if id := p.belongs(e); id != "" {
				byID[id] = append(byID[id], e)
			}
		}
		want := make([]ports.Row, 0, len(byID))
		for id, stream := range byID {
			if p.begun(stream) < 0 {
				continue
			}
			row, err := p.apply(ports.Row{ID: id}, stream)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, row)
		}
		got, err := h.views.Find(ctx, p.View, ports.Query{OrderBy: "created_at", Limit: 1_000_000})
		if err != nil {
			t.Fatal(err)
		}
		byRow := func(a, b ports.Row) int { return strings.Compare(a.ID, b.ID) }
		slices.SortFunc(want, byRow)
		slices.SortFunc(got, byRow)
		if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
			t.Errorf("%s at %d differs from the log (-want +got):\n%s", p.Name, position, diff)
		}
	}
}

// texts shows rows so that a difference can be read.
func texts(rows []ports.Row) []string {
	shown := make([]string, len(rows))
	for i, row := range rows {
		shown[i] = fmt.Sprintf("%s %v %s", row.ID, row.Keys, row.Doc)
	}
	return shown
}

// ten writes a log of ten events about two messages, a key and a consent.
func (h *house) ten(t fataler) {
	h.append(t, "msg_1", acceptedNow, attempted)
	h.append(t, "key_1", events.KeyIssued{Tenant: "acme", Scopes: []string{"admin"}})
	h.append(t, "msg_2", acceptedNow)
	h.append(t, "consent_1", events.ConsentOptedOut{Number: "+14155552671", Source: "api"})
	h.append(t, "msg_1", failed, retried)
	h.append(t, "key_1", events.KeyRevoked{By: "ada"})
	h.append(t, "msg_2", attempted, sent)
}
