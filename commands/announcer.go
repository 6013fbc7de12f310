package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Announcer queues a delivery for every event that an endpoint is to hear of. Its
// checkpoint moves in the transaction that queues, so none is left out and none is
// queued twice; frames from the bus only make it quick. Who hears of an event is
// decided by the endpoints as they were before it in the log.
//
// An event that cannot be read is queued as any other, by what stands beside its
// payload; the courier holds it. An endpoint is what can be read of it.
type Announcer struct {
	Store  ports.EventStore
	Views  ports.Views
	Lookup Lookup
	Log    *slog.Logger
	// Queued is told that deliveries were queued in this process; nil: nobody.
	Queued func()
	// Foreign is told of each frame that was of another log; nil: nobody.
	Foreign   func()
	FrameSize int              // events read from the store at once; 0: 500
	Interval  time.Duration    // between looks at the log; 0: 2 s
	Now       func() time.Time // nil: time.Now
}

// maxLate is how old an event may be when it is queued for the first time. What is
// older is listed as dead at once, for somebody to decide: it is a queue that was
// lost, and nobody wants to hear of all that ever happened.
const maxLate = 3 * 24 * time.Hour

// Handle is the Watermill handler of TopicEvents.
func (a *Announcer) Handle(msg *message.Message) error {
	frame, err := ports.DecodeEvents(msg.Payload)
	if fatal(err) != nil {
		a.Log.Error("reading the log instead of a frame", "id", msg.UUID, "error", err)
		return a.CatchUp(msg.Context())
	}
	ours, err := frame.Of(msg.Context(), a.Store)
	if err != nil {
		return err
	}
	if !ours {
		a.Log.Error("reading the log instead of a frame of another", "id", msg.UUID, "first", frame.First, "last", frame.Last)
		if a.Foreign != nil {
			a.Foreign()
		}
		return a.CatchUp(msg.Context())
	}
	err = a.announce(msg.Context(), frame.Events)
	if errors.Is(err, errGap) {
		return a.CatchUp(msg.Context())
	}
	return err
}

// Run looks at the log until ctx ends.
func (a *Announcer) Run(ctx context.Context) error {
	for {
		if err := a.CatchUp(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("catching up with the log", "error", err)
		}
		if wait(ctx, orDefault(a.Interval, 2*time.Second)) != nil {
			return nil
		}
	}
}

// CatchUp queues what there is up to the head of the log.
func (a *Announcer) CatchUp(ctx context.Context) error {
	for {
		checkpoint, err := a.Views.Checkpoint(ctx, deliveriesFilled)
		if err != nil {
			return err
		}
		frame, err := a.Store.Read(ctx, checkpoint, orDefault(a.FrameSize, 500))
		if fatal(err) != nil || len(frame) == 0 {
			return err
		}
		if err := a.announce(ctx, frame); err != nil && !errors.Is(err, errGap) { // another instance moved the checkpoint
			return err
		}
	}
}

// errGap says that frames are missing before the one at hand.
var errGap = errors.New("frame does not join on")

// announce queues the deliveries of a frame.
func (a *Announcer) announce(ctx context.Context, frame []events.Recorded) error {
	endpoints, err := a.endpoints(ctx, frame)
	if err != nil {
		return err
	}
	queued := 0
	err = a.Views.Advance(ctx, deliveriesFilled, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		if frame[0].Position > checkpoint+1 {
			return checkpoint, errGap
		}
		fresh := slices.DeleteFunc(slices.Clone(frame), func(e events.Recorded) bool { return e.Position <= checkpoint })
		if len(fresh) == 0 {
			return checkpoint, nil
		}
		deliveries, err := a.deliveries(ctx, tx, fresh, endpoints)
		if err != nil {
			return checkpoint, err
		}
		if queued = len(deliveries); queued > 0 {
			err = putDeliveries(ctx, tx, deliveries)
		}
		return fresh[len(fresh)-1].Position, err
	})
	if err != nil {
		return fmt.Errorf("queueing deliveries: %w", err)
	}
	if queued > 0 && a.Queued != nil {
		a.Queued()
	}
	return nil
}

// endpoints loads the streams of the tenants that a frame is about, by tenant.
func (a *Announcer) endpoints(ctx context.Context, frame []events.Recorded) (map[string][]events.Recorded, error) {
	streams := map[string]string{} // by tenant
	var ids []string
	for _, e := range frame {
		if _, known := streams[e.Meta.Tenant]; !known && announced(e) {
			id := a.Lookup.webhooksStream(e.Meta.Tenant)
			streams[e.Meta.Tenant] = id
			ids = append(ids, id)
		}
	}
	byTenant := make(map[string][]events.Recorded, len(streams))
	if len(ids) == 0 {
		return byTenant, nil
	}
	loaded, err := a.Store.LoadMany(ctx, ids)
	if fatal(err) != nil {
		return nil, fmt.Errorf("loading endpoints: %w", err)
	}
	for tenant, id := range streams {
		byTenant[tenant] = loaded[id]
	}
	return byTenant, nil
}

func announced(e events.Recorded) bool { return slices.Contains(domain.WebhookTypes, e.Type) }

// deliveries returns what follows from fresh.
func (a *Announcer) deliveries(ctx context.Context, tx ports.ViewTx, fresh []events.Recorded, endpoints map[string][]events.Recorded) ([]Delivery, error) {
	callbacks, err := a.callbacks(ctx, tx, fresh)
	if err != nil {
		return nil, err
	}
	var deliveries []Delivery
	for _, e := range fresh {
		if !announced(e) {
			continue
		}
		for _, hook := range endpointsBefore(endpoints[e.Meta.Tenant], e.Position) {
			if hook.Wants(e.Type) {
				deliveries = append(deliveries, newDelivery(e, hook.ID, ""))
			}
		}
		if url := callbacks[e.StreamID]; url != "" {
			deliveries = append(deliveries, newDelivery(e, domain.CallbacksEndpoint, url))
		}
	}
	now := a.now()
	for i := range deliveries {
		if now.Sub(deliveries[i].CreatedAt) > maxLate {
			deliveries[i].end(DeliveryDead, "late", now)
		}
	}
	return deliveries, nil
}

// callbacks returns the callback URLs of messages. A message with one has a delivery
// of its first event, which is looked up where that is not in the frame.
func (a *Announcer) callbacks(ctx context.Context, tx ports.ViewTx, fresh []events.Recorded) (map[string]string, error) {
	urls := map[string]string{}
	firsts := map[string]string{} // messages by the delivery of their first event
	var ids []string
	for _, e := range fresh {
		if accepted, ok := e.Data.(events.MessageAccepted); ok {
			urls[e.StreamID] = accepted.CallbackURL
		} else if _, known := urls[e.StreamID]; !known && announced(e) {
			urls[e.StreamID] = ""
			id := deliveryID(domain.CallbacksEndpoint, e.StreamID, 1)
			firsts[id] = e.StreamID
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return urls, nil
	}
	found, err := getDeliveries(ctx, tx, ids)
	for id, d := range found {
		urls[firsts[id]] = d.URL
	}
	return urls, err
}

// endpointsBefore returns a tenant's endpoints as they were before a position.
func endpointsBefore(recorded []events.Recorded, position int64) []domain.Webhook {
	var state domain.Webhooks
	for _, e := range recorded {
		if e.Position < position {
			state = state.Evolve(e.Data)
		}
	}
	return state.Endpoints
}

func (a *Announcer) now() time.Time {
	if a.Now == nil {
		return time.Now().UTC()
	}
	return a.Now().UTC()
}
