package commands_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/inproc"
	"github.com/pro-sms/prosms/adapters/limit"
	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// plant is a whole gateway in one process, wired as serve wires it, on adapters
// in memory, each behind a fuse.
type plant struct {
	t        *testing.T
	log      *memory.EventStore // without its fuse
	postman  *postman
	api      http.Handler
	key      string
	commands *commands.Handler

	parts sync.WaitGroup
	stop  context.CancelFunc
	bus   *inproc.Bus
	close func(context.Context) error
}

// fuses names the fuses of a plant that are to blow.
type fuses map[string]*fuse

// of returns a fuse; one that never blows where none is set.
func (f fuses) of(port string) *fuse {
	if set := f[port]; set != nil {
		return set
	}
	return &fuse{n: 1 << 60}
}

// startPlant starts a plant, whose parts see clock.
func startPlant(t *testing.T, set fuses, clock func() time.Time) *plant {
	p := &plant{t: t, log: &memory.EventStore{}, postman: &postman{}}
	lookup := commands.Lookup("0123456789abcdef0123456789abcdef")
	issued, err := (&commands.Handler{Store: p.log, Lookup: lookup}).IssueKey(t.Context(),
		commands.Caller{Actor: "operator:test"}, commands.IssueKey{Tenant: "acme", Scopes: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	p.key = issued.Secret

	log := slog.New(slog.DiscardHandler)
	store := &commands.GroupCommit{EventStore: faultyStore{p.log, set.of("reads"), set.of("appends")}}
	views := faultyViews{&memory.Views{}, set.of("searches"), set.of("advances")}
	p.bus = inproc.New(inproc.Config{EventConsumers: []string{"projections"}})
	bus := faultyBus{p.bus, set.of("bus")}
	provider := faultyProvider{p.postman, set.of("provider")}
	providers := commands.Providers{Live: provider, Test: provider}
	// More retries than calls ever go wrong in a row: none may be given up here.
	schedule := domain.RetrySchedule{Delays: []time.Duration{2 * time.Second, 4 * time.Second}, Max: 40}

	p.commands = &commands.Handler{Store: store, Lookup: lookup, Now: clock}
	p.postman.tell = p.commands.Receive
	queries := projections.Queries{Store: store, Views: views}
	dispatcher := &commands.Dispatcher{Store: store, Providers: providers, Slots: 8, Schedule: schedule, Now: clock, Log: log}
	runner := &projections.Runner{
		Store: store, Views: views, Log: log, Projections: []projections.Projection{projections.Messages(), projections.Keys()},
	}
	scheduler := &commands.Scheduler{
		Store: store, Bus: bus, Depth: bus.Depth, Log: log, Now: clock, Abandoned: 90 * time.Second,
		Due: func(ctx context.Context, status domain.Status, lane domain.Lane, by time.Time, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error) {
			return queries.Due(ctx, string(status), string(lane), by, after, limit)
		},
		Sweeper: &commands.Sweeper{
			Store: store, Providers: providers, Log: log, Dispatched: queries.Dispatched,
			Delays: []time.Duration{20 * time.Second, time.Minute, 5 * time.Minute},
		},
		Reconciler: &commands.Reconciler{
			Store: store, Providers: providers, Schedule: schedule, Log: log,
			Delays: func(domain.Lane) []time.Duration { return []time.Duration{5 * time.Second, 15 * time.Second} },
			Resend: func(domain.Lane, bool) bool { return true },
			Bound: func(ctx context.Context, id string) (bool, error) {
				if err := runner.CatchUp(ctx); err != nil {
					return false, err
				}
				return queries.Bound(ctx, id)
			},
			UnderWay: func(ctx context.Context, tenant, consent string) ([]string, error) {
				if err := runner.CatchUp(ctx); err != nil {
					return nil, err
				}
				return queries.UnderWay(ctx, tenant, consent)
			},
		},
	}
	p.api = (&api.Server{
		Commands: p.commands, Queries: queries, Log: log, RatePerKey: 1000,
		Limiter: &limit.Fallback{Shared: faultyLimiter{&memory.Limiter{}, set.of("limiter")}, Local: &memory.Limiter{}},
	}).Handler()
	p.close = dispatcher.Close

	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	topics := []string{ports.TopicEvents}
	for _, lane := range domain.Lanes {
		topics = append(topics, ports.DispatchTopic(lane))
		p.consume(ctx, ports.DispatchTopic(lane), dispatcher.Handler(lane))
	}
	p.consume(ctx, ports.TopicEvents+".projections", runner.Handle)
	for _, topic := range topics {
		relay := &commands.Relay{Store: store, Bus: bus, Topics: []string{topic}}
		p.parts.Go(func() { feed(ctx, store, relay.Handle) })
	}
	p.parts.Go(func() { _ = runner.Run(ctx) })
	p.parts.Go(func() { _ = scheduler.Run(ctx) })
	return p
}

// consume does what a router does.
func (p *plant) consume(ctx context.Context, topic string, handle message.NoPublishHandlerFunc) {
	messages, err := p.bus.Subscribe(ctx, topic)
	if err != nil {
		p.t.Fatal(err)
	}
	p.parts.Go(func() {
		for msg := range messages {
			if err := handle(msg); err != nil {
				msg.Nack()
				continue
			}
			msg.Ack()
		}
	})
}

// feed hands the log to handle, frame by frame, each until it is taken.
func feed(ctx context.Context, store ports.EventStore, handle message.NoPublishHandlerFunc) {
	for position := int64(0); ctx.Err() == nil; {
		changed := store.Changed()
		recorded, err := store.Read(ctx, position, 5)
		if err == nil && len(recorded) > 0 {
			if err = handle(frameOf(ctx, recorded)); err == nil {
				position = recorded[len(recorded)-1].Position
				continue
			}
		}
		again := time.NewTimer(250 * time.Millisecond)
		select {
		case <-changed:
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// end brings everything to rest.
func (p *plant) end() {
	p.t.Helper()
	p.stop()
	_ = p.bus.Close()
	p.parts.Wait()
	if err := p.close(context.Background()); err != nil {
		p.t.Error(err)
	}
	p.postman.walks.Wait()
}

// messages returns the stream of every message.
func (p *plant) messages() map[string][]events.Recorded {
	p.t.Helper()
	all, err := p.log.Read(p.t.Context(), 0, 1<<20)
	if err != nil {
		p.t.Fatal(err)
	}
	streams := map[string][]events.Recorded{}
	for _, e := range all {
		if strings.HasPrefix(e.StreamID, "msg_") {
			streams[e.StreamID] = append(streams[e.StreamID], e)
		}
	}
	return streams
}

// postman is a provider in memory, which fares with a text as its body says, and
// reports what became of it a second later.
type postman struct {
	tell  func(context.Context, string, domain.Receipt) error
	walks sync.WaitGroup

	mu       sync.Mutex
	accepted []ports.Text
}

// Name implements ports.Provider.
func (*postman) Name() string { return "postman" }

// Send implements ports.Provider.
func (p *postman) Send(_ context.Context, text ports.Text) ports.Outcome {
	switch how := string(text.Body); {
	case strings.HasPrefix(how, "refused"):
		return ports.Outcome{Class: domain.ClassPermanent, Code: "1"}
	case strings.HasPrefix(how, "opted out"):
		return ports.Outcome{Class: domain.ClassOptedOut, Code: "2"}
	case strings.HasPrefix(how, "throttled") && text.Attempt == 1:
		return ports.Outcome{Class: domain.ClassThrottled, RetryAfter: time.Second}
	}
	p.mu.Lock()
	p.accepted = append(p.accepted, text)
	id := fmt.Sprint("SM", len(p.accepted))
	p.mu.Unlock()
	p.walks.Go(func() { p.report(text, id) })
	if strings.HasPrefix(string(text.Body), "lost") {
		return ports.Outcome{Class: domain.ClassInDoubt, Cause: "http_503", HTTPStatus: 503}
	}
	return ports.Outcome{Class: domain.ClassSent, ProviderMessageID: id, ProviderStatus: "queued"}
}

// report tells of the delivery, up to six times if it is not heard, as Twilio can.
func (p *postman) report(text ports.Text, id string) {
	for range 6 {
		time.Sleep(time.Second)
		receipt := domain.Receipt{Attempt: text.Attempt, ProviderMessageID: id, ProviderStatus: "delivered", Result: domain.ReceiptDelivered}
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		err := p.tell(ctx, text.MessageID, receipt)
		cancel()
		if err == nil {
			return
		}
	}
}

// Find implements ports.Provider: by number and body, as one that knows nothing
// of our names.
func (p *postman) Find(_ context.Context, attempt ports.Lookup) (ports.Found, error) {
	p.mu.Lock()
	accepted := p.accepted[:len(p.accepted):len(p.accepted)]
	p.mu.Unlock()
	for n, text := range accepted {
		if id := fmt.Sprint("SM", n+1); text.To == attempt.To && text.Body == attempt.Body && !attempt.Bound(id) {
			return ports.Found{ProviderMessageID: id}, nil
		}
	}
	return ports.Found{}, nil
}

// Status implements ports.Provider.
func (p *postman) Status(_ context.Context, id string) (domain.Receipt, error) {
	return domain.Receipt{ProviderMessageID: id, ProviderStatus: "delivered", Result: domain.ReceiptDelivered}, nil
}
