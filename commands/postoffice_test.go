package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// postOffice is a log, its endpoints, and who queues and posts.
type postOffice struct {
	t         *testing.T
	store     *memory.EventStore
	log       ports.EventStore // that the courier reads; nil: store
	views     *memory.Views
	webhooks  *commands.Webhooks
	announcer *commands.Announcer
	receiver  *receiver
	interval  time.Duration // of the courier
	stop      context.CancelFunc
	done      sync.WaitGroup
}

var acme = commands.Caller{Tenant: "acme", Actor: "key:1"}

func newPostOffice(t *testing.T) *postOffice {
	lookup := commands.Lookup("0123456789abcdef0123456789abcdef")
	p := &postOffice{t: t, store: &memory.EventStore{}, views: &memory.Views{}, receiver: &receiver{}}
	p.webhooks = &commands.Webhooks{Store: p.store, Views: p.views, Lookup: lookup}
	p.announcer = &commands.Announcer{Store: p.store, Views: p.views, Lookup: lookup, Log: slog.New(slog.DiscardHandler), FrameSize: 3}
	return p
}

// open runs a courier until shut.
func (p *postOffice) open() {
	var log ports.EventStore = p.store
	if p.log != nil {
		log = p.log
	}
	courier := &commands.Courier{
		Store: log, Views: p.views, Lookup: p.webhooks.Lookup, Body: api.Notification, Post: p.receiver.take,
		Log: slog.New(slog.DiscardHandler), Interval: p.interval,
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.announcer.Queued = stop, courier.Wake
	p.done.Go(func() { _ = courier.Run(ctx) })
}

func (p *postOffice) shut() {
	p.stop()
	p.done.Wait()
}

// happen appends events to a message of acme's and queues what follows.
func (p *postOffice) happen(id string, happened ...events.Event) {
	p.t.Helper()
	stream, err := p.store.Load(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	results, err := p.store.Append(p.t.Context(), ports.Write{StreamID: id, Expected: len(stream), Events: happened, Meta: events.Meta{Tenant: "acme"}})
	if err != nil || results[0].Err != nil {
		p.t.Fatal(err, results)
	}
	if err := p.announcer.CatchUp(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *postOffice) create(types ...string) string {
	p.t.Helper()
	made, err := p.webhooks.Create(p.t.Context(), acme, commands.EndpointRequest{URL: "https://example.com/", Types: types})
	if err != nil || made.NewSecret == "" {
		p.t.Fatal(made.NewSecret == "", err)
	}
	return made.ID
}

// pass lets time go by, and all that is due then be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// deliveries returns those of a status, oldest first.
func (p *postOffice) deliveries(status commands.DeliveryStatus) []commands.Delivery {
	p.t.Helper()
	found, _, err := p.webhooks.Deliveries(p.t.Context(), commands.DeliveryFilter{Tenant: "acme", Status: status, Limit: 1000})
	if err != nil {
		p.t.Fatal(err)
	}
	slices.Reverse(found)
	return found
}

// receiver is all endpoints of all customers.
type receiver struct {
	mu     sync.Mutex
	answer func(commands.WebhookPost) commands.WebhookAnswer // nil: everything is delivered
	posts  []commands.WebhookPost
	took   []string         // "<message> <version>" of what was delivered, in order
	heard  map[string][]int // versions that were delivered, in order, by URL and message
}

func (r *receiver) take(_ context.Context, post commands.WebhookPost) commands.WebhookAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, post)
	answer := commands.WebhookAnswer{Delivered: true, HTTPStatus: 200}
	if r.answer != nil {
		answer = r.answer(post)
	}
	if answer.Delivered {
		var told struct {
			Data struct {
				Message struct{ ID string }
				Event   struct{ Version int }
			}
		}
		if err := json.Unmarshal(post.Body, &told); err != nil {
			panic(err)
		}
		if r.heard == nil {
			r.heard = map[string][]int{}
		}
		key := post.URL + " " + told.Data.Message.ID
		r.heard[key] = append(r.heard[key], told.Data.Event.Version)
		r.took = append(r.took, fmt.Sprint(told.Data.Message.ID, " ", told.Data.Event.Version))
	}
	return answer
}

// posted returns how often anything was posted.
func (r *receiver) posted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.posts)
}

func refusing(status int) func(commands.WebhookPost) commands.WebhookAnswer {
	return func(commands.WebhookPost) commands.WebhookAnswer {
		return commands.WebhookAnswer{HTTPStatus: status, Fault: fmt.Sprintf("http_%d", status)}
	}
}

func accepted(callback string) events.MessageAccepted {
	return events.MessageAccepted{To: "+14155552671", Body: "hello", Encoding: "GSM-7", Segments: 1, Lane: "normal", Kind: "transactional", CallbackURL: callback, Consent: "consent_1"}
}

func life() []events.Event {
	return []events.Event{
		events.MessageAttempted{Attempt: 1, AttemptID: "a", Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"},
		events.MessageDelivered{ProviderStatus: "delivered"},
	}
}
