package commands_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestEveryEventIsDeliveredInOrderHoweverOftenTheReceiverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.create()
		p.interval = 10 * time.Second
		chance := rand.New(rand.NewPCG(1, 2))
		failures := map[string]int{} // that each delivery has yet to meet
		p.receiver.answer = func(post commands.WebhookPost) commands.WebhookAnswer {
			if _, known := failures[post.ID]; !known {
				failures[post.ID] = max(0, chance.IntN(6)-2)
			}
			if failures[post.ID]--; failures[post.ID] >= 0 {
				return commands.WebhookAnswer{Fault: "timeout"}
			}
			return commands.WebhookAnswer{Delivered: true, HTTPStatus: 200}
		}
		p.open()
		for i := range 20 {
			p.happen(fmt.Sprintf("msg_%02d", i), accepted("https://app.example.com/cb"))
		}
		for i := range 20 {
			p.happen(fmt.Sprintf("msg_%02d", i), life()...)
		}
		pass(12 * time.Hour)
		p.shut()
		if left := append(p.deliveries(commands.DeliveryPending), p.deliveries(commands.DeliveryDead)...); len(left) > 0 {
			t.Fatalf("%d are not delivered, the first %+v", len(left), left[0])
		}
		for key, versions := range p.receiver.heard {
			if !slices.Equal(versions, []int{1, 2, 3, 4}) {
				t.Errorf("%s heard of versions %v", key, versions)
			}
		}
		if len(p.receiver.heard) != 40 {
			t.Errorf("%d heard of anything, want an endpoint and a callback of 20 messages", len(p.receiver.heard))
		}
		for _, post := range p.receiver.posts {
			if len(post.Secrets) != 1 || len(post.Secrets[0]) != 32 || post.ID == "" {
				t.Fatal("a post is not signed")
			}
		}
	})
}

func TestAnEndpointHearsOfWhatItAskedForFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.happen("msg_1", accepted(""))
		id := p.create("message.delivered", "message.delivered")
		p.open()
		defer p.shut()
		p.happen("msg_1", life()...)
		off, on := false, true
		pass(time.Second)
		for _, enabled := range []*bool{&off, &on} {
			if _, err := p.webhooks.Change(t.Context(), acme, id, commands.EndpointChange{Enabled: enabled}); err != nil {
				t.Fatal(err)
			}
			p.happen(fmt.Sprintf("msg_enabled_%t", *enabled), append([]events.Event{accepted("")}, life()...)...)
		}
		pass(time.Second)
		if got, want := p.receiver.took, []string{"msg_1 4", "msg_enabled_true 4"}; !slices.Equal(got, want) {
			t.Errorf("took %v, want %v", got, want)
		}
	})
}

func TestFramesThatRepeatOrAreLostQueueNothingTwice(t *testing.T) {
	p := newPostOffice(t)
	p.create()
	p.happen("msg_1", accepted(""))
	results, err := p.store.Append(t.Context(), ports.Write{StreamID: "msg_1", Expected: 1, Events: life(), Meta: events.Meta{Tenant: "acme"}})
	if err != nil {
		t.Fatal(err)
	}
	last := results[0].LastPosition
	for _, span := range [][2]int64{{last, last}, {1, last}, {last - 1, last}} {
		part, err := p.store.Read(t.Context(), span[0]-1, int(span[1]-span[0]+1))
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(ports.EventFrame{First: span[0], Last: span[1], Events: part})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.announcer.Handle(message.NewMessage("1", payload)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.announcer.Handle(message.NewMessage("2", []byte("{"))); !errors.Is(err, ports.ErrMalformed) {
		t.Fatal(err)
	}
	other := newPostOffice(t) // another log, whose frame stands in our queue
	other.happen("msg_9", accepted(""))
	theirs, err := other.store.Read(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	theirs[0].Position = last + 1
	payload, err := json.Marshal(ports.EventFrame{First: last + 1, Last: last + 1, Events: theirs})
	if err != nil {
		t.Fatal(err)
	}
	foreign := 0
	p.announcer.Foreign = func() { foreign++ }
	if err := p.announcer.Handle(message.NewMessage("3", payload)); err != nil || foreign != 1 {
		t.Errorf("a frame of another log: %v, told of %d", err, foreign)
	}
	if queued := p.deliveries(""); len(queued) != 4 {
		t.Errorf("%d deliveries of 4 events", len(queued))
	}
}

func TestAnEndpointThatFailsIsLeftAloneAndInTheEndDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		id := p.create("message.accepted")
		p.receiver.answer, p.interval = refusing(500), time.Minute // days go by
		p.open()
		for i := range 50 {
			p.happen(fmt.Sprintf("msg_%02d", i), accepted(""))
		}
		pass(25 * time.Second)
		if n := p.receiver.posted(); n < 5 || n > 20 {
			t.Errorf("%d posts before it was left alone", n)
		}
		for i := range 4 * 24 {
			pass(time.Hour)
			p.happen(fmt.Sprintf("msg_later_%d", i), accepted(""))
		}
		p.shut()
		hook, err := p.webhooks.Endpoint(t.Context(), "acme", id)
		if err != nil || hook.Disabled != "failing" {
			t.Fatalf("disabled: %q, %v", hook.Disabled, err)
		}
		if left := p.deliveries(commands.DeliveryPending); len(left) > 0 {
			t.Errorf("%d wait for it", len(left))
		}
		dead := p.deliveries(commands.DeliveryDead)
		if len(dead) < 100 || dead[0].Last == nil || dead[0].Last.Fault != "http_500" {
			t.Errorf("%d are dead", len(dead))
		}

		// Somebody mends it, and what is dead is delivered.
		on := true
		if _, err := p.webhooks.Change(t.Context(), acme, id, commands.EndpointChange{Enabled: &on}); err != nil {
			t.Fatal(err)
		}
		p.receiver.answer = nil
		p.open()
		defer p.shut()
		if _, err := p.webhooks.Replay(t.Context(), commands.Caller{Tenant: "other", Reason: "mended"}, dead[0].ID); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("another tenant's replay: %v", err)
		}
		if _, err := p.webhooks.Replay(t.Context(), acme, dead[0].ID); !errors.As(err, new(commands.Invalid)) {
			t.Errorf("without a reason: %v", err)
		}
		acme := acme
		acme.Reason = "mended"
		if _, err := p.webhooks.Replay(t.Context(), acme, dead[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := p.webhooks.Replay(t.Context(), acme, dead[0].ID); !errors.Is(err, commands.ErrDeliveryPending) {
			t.Errorf("a second replay: %v", err)
		}
		pass(2 * time.Minute)
		if d, err := p.webhooks.Delivery(t.Context(), "acme", dead[0].ID); err != nil || d.Status != commands.DeliveryDelivered || d.Replays != 1 || d.Attempts != 1 {
			t.Errorf("replayed: %+v, %v", d, err)
		}
		// What was refused is not in the log, what was done is: by whom, and of what.
		recorded, err := p.store.Load(t.Context(), dead[0].ID)
		if err != nil || len(recorded) != 1 || recorded[0].Meta.Tenant != "acme" {
			t.Fatalf("%d replays are recorded, %v", len(recorded), err)
		}
		want := events.WebhookReplayed{Delivery: dead[0].ID, ID: id, Message: dead[0].Message, Version: 1, By: "key:1"}
		if recorded[0].Data != events.Event(want) {
			t.Errorf("recorded %+v, want %+v", recorded[0].Data, want)
		}
	})
}

func TestAnEndpointThatIsGoneIsDisabledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		id := p.create()
		p.receiver.answer = refusing(410)
		p.open()
		p.happen("msg_1", accepted("https://app.example.com/cb"))
		pass(time.Second)
		p.happen("msg_1", life()...)
		pass(time.Second)
		p.shut()
		hook, err := p.webhooks.Endpoint(t.Context(), "acme", id)
		if err != nil || hook.Disabled != "gone" {
			t.Errorf("disabled: %q, %v", hook.Disabled, err)
		}
		if toIt, _, err := p.webhooks.Deliveries(t.Context(), commands.DeliveryFilter{Tenant: "acme", Endpoint: id, Limit: 10}); err != nil || len(toIt) != 1 || toIt[0].Reason != "gone" {
			t.Errorf("deliveries %+v, %v", toIt, err)
		}
	})
}

func TestAnEndpointThatFailsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.create("message.accepted")
		p.receiver.answer = func(post commands.WebhookPost) commands.WebhookAnswer {
			if post.URL == "https://example.com/" {
				return commands.WebhookAnswer{Fault: "timeout"}
			}
			return commands.WebhookAnswer{Delivered: true, HTTPStatus: 200}
		}
		p.open()
		defer p.shut()
		for i := range 300 {
			p.happen(fmt.Sprintf("msg_%03d", i), accepted("https://app.example.com/cb"))
		}
		pass(5 * time.Second)
		if n := len(p.receiver.took); n != 300 {
			t.Errorf("%d of 300 callbacks were delivered", n)
		}
	})
}

func TestTwoSecretsSignWhileTheyOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		id := p.create()
		made, err := p.webhooks.Rotate(t.Context(), acme, id, time.Hour)
		if err != nil || made.NewSecret == "" {
			t.Fatal(err)
		}
		p.open()
		defer p.shut()
		p.happen("msg_1", accepted(""))
		pass(2 * time.Hour)
		p.happen("msg_2", accepted(""))
		pass(time.Second)
		posts := p.receiver.posts
		if len(posts) != 2 || len(posts[0].Secrets) != 2 || len(posts[1].Secrets) != 1 || !slices.Equal(posts[0].Secrets[0], posts[1].Secrets[0]) {
			t.Fatalf("%d posts", len(posts))
		}
	})
}

func TestWhatIsFoundVeryLateIsListedAndNotPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPostOffice(t)
		p.create()
		p.happen("msg_1", accepted(""))
		pass(4 * 24 * time.Hour)
		p.views = &memory.Views{} // lost
		p.webhooks.Views, p.announcer.Views = p.views, p.views
		p.open()
		defer p.shut()
		p.happen("msg_2", accepted(""))
		pass(time.Second)
		if dead := p.deliveries(commands.DeliveryDead); len(dead) != 1 || dead[0].Reason != "late" || len(p.receiver.took) != 1 {
			t.Errorf("%d dead, took %v", len(dead), p.receiver.took)
		}
	})
}

func TestDeliveriesOfAMessageAreListedWhereverTheyWent(t *testing.T) {
	p := newPostOffice(t)
	gone, still := p.create(), p.create()
	p.happen("msg_1", accepted("https://example.com/callback"), events.MessageCanceled{By: "test"})
	p.happen("msg_2", accepted(""))
	if err := p.webhooks.Delete(t.Context(), acme, gone); err != nil {
		t.Fatal(err)
	}
	list := func(f commands.DeliveryFilter) (told []string) {
		for f.Tenant, f.Limit = "acme", 4; ; {
			found, next, err := p.webhooks.Deliveries(t.Context(), f)
			if err != nil || len(found) > f.Limit {
				t.Fatal(len(found), err)
			}
			for _, d := range found {
				told = append(told, fmt.Sprintf("%s %s %d", d.Endpoint, d.Message, d.Version))
			}
			if f.After = next; next == nil {
				slices.Sort(told)
				return told
			}
		}
	}
	want := func(endpoint string) []string { return []string{endpoint + " msg_1 1", endpoint + " msg_1 2"} }
	all := slices.Sorted(slices.Values(slices.Concat(want("callbacks"), want(gone), want(still))))
	for name, tt := range map[string]struct {
		filter commands.DeliveryFilter
		want   []string
	}{
		"a message":           {commands.DeliveryFilter{Message: "msg_1"}, all},
		"at one endpoint":     {commands.DeliveryFilter{Message: "msg_1", Endpoint: gone}, want(gone)},
		"and a status":        {commands.DeliveryFilter{Message: "msg_1", Status: commands.DeliveryDead}, nil},
		"one that was not":    {commands.DeliveryFilter{Message: "msg_3"}, nil},
		"without an endpoint": {commands.DeliveryFilter{Endpoint: gone}, append(want(gone), gone+" msg_2 1")},
	} {
		if diff := cmp.Diff(tt.want, list(tt.filter)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	found, _, err := p.webhooks.Deliveries(t.Context(), commands.DeliveryFilter{Tenant: "other", Message: "msg_1", Limit: 9})
	if err != nil || len(found) > 0 {
		t.Errorf("another tenant is told of %d, %v", len(found), err)
	}
}

func TestADeliveryIsReplayedByItsTenantAlone(t *testing.T) {
	p := newPostOffice(t)
	p.create()
	p.happen("msg_1", accepted(""))
	d := p.deliveries(commands.DeliveryPending)[0]
	before, err := p.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"", "other"} { // an empty one is any to Delivery, not here
		if _, err := p.webhooks.Replay(t.Context(), commands.Caller{Tenant: tenant, Actor: "test", Reason: "test"}, d.ID); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("replayed by %q: %v", tenant, err)
		}
	}
	if after, err := p.store.Head(t.Context()); err != nil || after.LastPosition != before.LastPosition {
		t.Errorf("the log goes on to %d, %v", after.LastPosition, err)
	}
}

func TestATenantHasSoManyEndpoints(t *testing.T) {
	p := newPostOffice(t)
	for range domain.MaxWebhooks {
		p.create()
	}
	_, err := p.webhooks.Create(t.Context(), acme, commands.EndpointRequest{URL: "https://example.com/"})
	if !errors.Is(err, domain.ErrTooManyWebhooks) {
		t.Error(err)
	}
	for _, request := range []commands.EndpointRequest{
		{}, {URL: "http://example.com/"}, {URL: "https://a:b@example.com/"}, {URL: "https://example.com/#a"}, {URL: "example.com"}, {URL: "https:///x"},
		{URL: "https://localhost/"}, {URL: "https://127.0.0.1:8081/"}, {URL: "https://10.0.0.1/"}, {URL: "https://169.254.169.254/latest"},
		{URL: "https://[::1]/"}, {URL: "https://[::ffff:192.168.0.1]/"}, {URL: "https://[fd00::1]/"}, {URL: "https://0.0.0.0/"},
		{URL: "https://example.com/", Types: []string{"key.issued"}},
	} {
		var invalid commands.Invalid
		if _, err := p.webhooks.Create(t.Context(), commands.Caller{Tenant: "b"}, request); !errors.As(err, &invalid) {
			t.Errorf("%+v: %v", request, err)
		}
	}
}

func TestWhatNobodyIsToHearOfTakesNoTransactionOfItsOwn(t *testing.T) {
	p := newPostOffice(t)
	views := &countingViews{Views: p.views}
	p.announcer.Views = views
	p.happen("msg_1", accepted(""))
	views.advanced = 0
	p.happen("msg_1", life()...)
	p.happen("msg_2", append([]events.Event{accepted("")}, life()...)...)
	if at, err := p.views.Checkpoint(t.Context(), "webhooks"); at != 8 || err != nil || views.advanced != 0 {
		t.Errorf("8 events of which nobody is to hear: at %d, %v, after %d transactions", at, err, views.advanced)
	}
	p.happen("msg_3", accepted("https://app.example.com/cb"))
	if queued := p.deliveries(""); len(queued) != 1 || views.advanced != 1 {
		t.Errorf("of one event: %d deliveries, %d transactions", len(queued), views.advanced)
	}
}

func TestACallbackIsHeardOfByAnAnnouncerThatDidNotSeeItsMessageAccepted(t *testing.T) {
	p := newPostOffice(t)
	p.happen("msg_1", accepted("https://app.example.com/cb"))
	p.happen("msg_2", accepted(""))
	p.announcer = &commands.Announcer{Store: p.store, Views: p.views, Lookup: p.webhooks.Lookup, Log: p.announcer.Log}
	p.happen("msg_1", life()...)
	p.happen("msg_2", life()...)
	if queued := p.deliveries(""); len(queued) != 4 {
		t.Errorf("%d deliveries of 4 events", len(queued))
	}
}

// countingViews counts the transactions of projections.
type countingViews struct {
	ports.Views
	advanced int
}

func (v *countingViews) Advance(ctx context.Context, projection string, apply func(ports.ViewTx, int64) (int64, error)) error {
	v.advanced++
	return v.Views.Advance(ctx, projection, apply)
}
