package commands_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func movable(db *sqlite.DB) commands.Movable {
	return commands.Movable{Events: db.EventStore(), Views: db.Views(), Keyring: db.Keyring(), KeyUses: db.KeyUses(), Exporter: db.Exporter()}
}

// announce queues what db's log has to be posted.
func announce(t *testing.T, db *sqlite.DB, lookup commands.Lookup) {
	t.Helper()
	announcer := &commands.Announcer{Store: db.EventStore(), Views: db.Views(), Lookup: lookup, Log: slog.New(slog.DiscardHandler)}
	if err := announcer.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// post posts what is queued in db, n posts, and returns of what they told.
func post(t *testing.T, db *sqlite.DB, lookup commands.Lookup, n int) []string {
	t.Helper()
	receiver, taken := &receiver{}, make(chan struct{}, 100)
	courier := &commands.Courier{
		Store: db.EventStore(), Views: db.Views(), Lookup: lookup, Body: api.Notification, Log: slog.New(slog.DiscardHandler),
		Post: func(ctx context.Context, p commands.WebhookPost) commands.WebhookAnswer {
			defer func() { taken <- struct{}{} }()
			return receiver.take(ctx, p)
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- courier.Run(ctx) }()
	for range n {
		<-taken
		courier.Wake()
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return receiver.took
}

func TestTheQueueOfWebhooksMovesAndNothingIsPostedTwice(t *testing.T) {
	source, target := openFile(t), openFile(t)
	lookup, err := commands.OpenLookup(t.Context(), source.Keyring(), commands.Master{})
	if err != nil {
		t.Fatal(err)
	}
	hooks := func(db *sqlite.DB) *commands.Webhooks {
		return &commands.Webhooks{Store: db.EventStore(), Views: db.Views(), Lookup: lookup}
	}
	if _, err := hooks(source).Create(t.Context(), acme, commands.EndpointRequest{URL: "https://example.com/"}); err != nil {
		t.Fatal(err)
	}
	text := func(db *sqlite.DB, id string) {
		appendAll(t, db.EventStore(), ports.Write{StreamID: id, Events: []events.Event{accepted("")}, Meta: events.Meta{Tenant: "acme"}})
		announce(t, db, lookup)
	}
	text(source, "msg_1")
	before := post(t, source, lookup, 1)
	text(source, "msg_2")
	mover := commands.Mover{From: movable(source), To: movable(target), Importer: target.Importer()}
	for range 2 {
		if _, err := mover.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	queue := func(db *sqlite.DB) []commands.Delivery {
		found, _, err := hooks(db).Deliveries(t.Context(), commands.DeliveryFilter{Tenant: "acme", Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if diff := cmp.Diff(queue(source), queue(target)); diff != "" {
		t.Errorf("the queue (-source +target)\n%s", diff)
	}
	announce(t, target, lookup) // the log is told from its beginning, as by a first gateway
	text(target, "msg_3")
	after := post(t, target, lookup, 2)
	slices.Sort(after) // there is no order among texts
	if diff := cmp.Diff([]string{"msg_1 1", "msg_2 1", "msg_3 1"}, append(before, after...)); diff != "" {
		t.Errorf("posted (-want +got)\n%s", diff)
	}
}

func TestAMoveFailsWhereTheSourceGoesOn(t *testing.T) {
	source, target := filled(t), openFile(t)
	grown := false
	mover := commands.Mover{From: movable(source), To: movable(target), Importer: target.Importer(), PageSize: 4, Progress: func(int64) {
		if !grown {
			grown = true
			appendAll(t, source.EventStore(), ports.Write{StreamID: "msg_meanwhile", Events: []events.Event{events.MessageCanceled{}}})
		}
	}}
	if _, err := mover.Run(t.Context()); !errors.Is(err, commands.ErrInUse) {
		t.Errorf("moved: %v", err)
	}
	if _, err := mover.Run(t.Context()); err != nil {
		t.Errorf("moved once it stands still: %v", err)
	}
	if diff := cmp.Diff(allCommits(t, source.EventStore()), allCommits(t, target.EventStore())); diff != "" {
		t.Errorf("(-source +target)\n%s", diff)
	}
}
