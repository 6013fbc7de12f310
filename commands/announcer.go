package commands

import (
	"cmp"
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

	seen lru[string] // the callback URLs of messages, by id, as their first event has them
}

// maxLate is how old an event may be when it is queued for the first time. What is
// older is listed as dead at once, for somebody to decide: it is a queue that was
// lost, and nobody wants to hear of all that ever happened.
const maxLate = 3 * 24 * time.Hour

// Handle is the Watermill handler of TopicEvents. Of a frame that is ports.ErrMalformed
// it has read the log instead.
func (a *Announcer) Handle(msg *message.Message) error {
	frame, err := ports.DecodeEvents(msg.Payload)
	if fatal(err) != nil {
		return cmp.Or(a.CatchUp(msg.Context()), err)
	}
	ours, err := frame.Of(msg.Context(), a.Store)
	if err != nil {
		return err
	}
	if !ours { // the log has what is ours
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
	urls, unseen := a.callbacks(frame)
	// What follows from a frame follows from the log alone, whenever it is found out. The
	// first event of all is left to Advance, which alone makes the checkpoint.
	if frame[0].Position > 1 && len(unseen) == 0 && len(deliveries(frame, endpoints, urls)) == 0 {
		return a.pass(ctx, frame)
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
		if err := lookUpCallbacks(ctx, tx, unseen, urls); err != nil {
			return checkpoint, err
		}
		queue := deliveries(fresh, endpoints, urls)
		a.endLate(queue)
		if queued = len(queue); queued > 0 {
			err = putDeliveries(ctx, tx, queue)
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

// pass moves the checkpoint past a frame of which nobody is to hear.
func (a *Announcer) pass(ctx context.Context, frame []events.Recorded) error {
	behind, err := a.Views.Pass(ctx, []string{deliveriesFilled}, frame[0].Position-1, frame[len(frame)-1].Position)
	if err == nil && len(behind) > 0 {
		err = errGap
	}
	return err
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

// deliveries returns what follows from recorded.
func deliveries(recorded []events.Recorded, endpoints map[string][]events.Recorded, callbacks map[string]string) []Delivery {
	var queue []Delivery
	for _, e := range recorded {
		if !announced(e) {
			continue
		}
		for _, hook := range endpointsBefore(endpoints[e.Meta.Tenant], e.Position) {
			if hook.Wants(e.Type) {
				queue = append(queue, newDelivery(e, hook.ID, ""))
			}
		}
		if url := callbacks[e.StreamID]; url != "" {
			queue = append(queue, newDelivery(e, domain.CallbacksEndpoint, url))
		}
	}
	return queue
}

// endLate gives up those of queue whose events are older than maxLate.
func (a *Announcer) endLate(queue []Delivery) {
	now := a.now()
	for i := range queue {
		if now.Sub(queue[i].CreatedAt) > maxLate {
			queue[i].end(DeliveryDead, "late", now)
		}
	}
}

// callbacks returns the callback URLs of the messages in a frame, by id, as far as
// their first events were seen, and the ids of the others.
func (a *Announcer) callbacks(frame []events.Recorded) (urls map[string]string, unseen []string) {
	urls = map[string]string{}
	for _, e := range frame {
		if accepted, ok := e.Data.(events.MessageAccepted); ok {
			urls[e.StreamID] = accepted.CallbackURL
			a.seen.put(e.StreamID, accepted.CallbackURL)
		} else if _, known := urls[e.StreamID]; !known && announced(e) {
			url, ok := a.seen.get(e.StreamID)
			if urls[e.StreamID] = url; !ok {
				unseen = append(unseen, e.StreamID)
			}
		}
	}
	return urls, unseen
}

// lookUpCallbacks adds the callback URLs of messages to urls. A message with one has a
// delivery of its first event.
func lookUpCallbacks(ctx context.Context, tx ports.ViewTx, messages []string, urls map[string]string) error {
	if len(messages) == 0 {
		return nil
	}
	ids := make([]string, len(messages))
	for i, message := range messages {
		ids[i] = deliveryID(domain.CallbacksEndpoint, message, 1)
	}
	found, err := getDeliveries(ctx, tx, ids)
	for i, message := range messages {
		urls[message] = found[ids[i]].URL
	}
	return err
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
