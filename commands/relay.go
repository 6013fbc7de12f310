package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/crash"
)

// Relay reads the log frame by frame and tells the bus: all events go to
// TopicEvents, and what is to be sent now goes to its lane as work. The event
// store is the outbox; the feed's checkpoint moves only when the bus has taken
// responsibility for everything, so a frame may be told twice, never not at all.
type Relay struct {
	Store ports.EventStore
	Bus   message.Publisher
	// Topics are those that this relay serves. A bus without a broker gets a
	// relay per topic, since there a slow consumer holds up its relay.
	Topics []string
	// RetryTiers are the delays for which the bus has a RetryTopic.
	RetryTiers []time.Duration
	// FrameSize bounds the work in one message; lane high always gets one each. 0: 64
	FrameSize int
	// Every is how often a frame is taken at most: what is recorded meanwhile is in the
	// next one. It is for relays of TopicEvents alone, since work does not wait. 0: as
	// often as there is one
	Every time.Duration
}

// routed are the types of events that lead to work.
var routed = []string{
	events.MessageAccepted{}.EventType(), events.MessageRetried{}.EventType(), events.MessageRedriven{}.EventType(),
}

// Handle is the Watermill handler of the feed.
func (r *Relay) Handle(msg *message.Message) error {
	began := time.Now()
	frame, err := ports.DecodeEvents(msg.Payload, routed...)
	if fatal(err) != nil {
		if frame, err = r.reread(msg.Context(), frame, err); err != nil {
			return err
		}
	}
	work, err := r.route(msg.Context(), frame.Events)
	if err != nil {
		return fmt.Errorf("routing events %d to %d: %w", frame.First, frame.Last, err)
	}
	var publishing errgroup.Group
	if r.serves(ports.TopicEvents) {
		publishing.Go(func() error {
			return r.publish(ports.TopicEvents, outgoing(msg.Context(), msg.Payload))
		})
	}
	for topic, messages := range work {
		publishing.Go(func() error { return r.publish(topic, messages...) })
	}
	if err := publishing.Wait(); err != nil {
		return fmt.Errorf("relaying events %d to %d: %w", frame.First, frame.Last, err)
	}
	crash.At(crash.RelayDone)
	if r.Every > 0 {
		_ = wait(msg.Context(), time.Until(began.Add(r.Every))) // at the end, too, the frame is done
	}
	return nil
}

// reread returns the events of a frame that is malformed, as one is with a payload in
// it that is no JSON.
func (r *Relay) reread(ctx context.Context, frame ports.EventFrame, cause error) (ports.EventFrame, error) {
	for after := frame.First - 1; frame.First > 0 && after < frame.Last; {
		page, err := r.Store.Read(ctx, after, int(frame.Last-after))
		if fatal(err) != nil {
			return frame, err
		}
		if len(page) == 0 {
			break
		}
		frame.Events = append(frame.Events, page...)
		after = page[len(page)-1].Position
	}
	if len(frame.Events) == 0 {
		return frame, cause
	}
	return frame, nil
}

func (r *Relay) publish(topic string, messages ...*message.Message) error {
	if err := r.Bus.Publish(topic, messages...); err != nil {
		return err
	}
	crash.At(crash.RelayPublished)
	return nil
}

func (r *Relay) serves(topic string) bool { return slices.Contains(r.Topics, topic) }

// errand is work with the queue that it goes to.
type errand struct {
	work  ports.Work
	lane  domain.Lane
	delay time.Duration // 0: now
}

// route picks what has to be sent out of recorded.
func (r *Relay) route(ctx context.Context, recorded []events.Recorded) (map[string][]*message.Message, error) {
	var errands []errand
	for _, e := range recorded {
		switch data := e.Data.(type) {
		case events.MessageAccepted:
			if data.SendAt == nil {
				errands = append(errands, errand{ports.Work{MessageID: e.StreamID, Attempt: 1}, domain.Lane(data.Lane), 0})
			}
		case events.MessageRetried:
			if tier, ok := r.tier(time.Duration(data.Delay)); ok {
				errands = append(errands, errand{ports.Work{MessageID: e.StreamID, Attempt: data.Attempt}, "", tier})
			}
		case events.MessageRedriven:
			errands = append(errands, errand{ports.Work{MessageID: e.StreamID}, "", 0})
		}
	}
	if err := r.complete(ctx, errands); err != nil {
		return nil, err
	}
	errands = slices.DeleteFunc(errands, func(e errand) bool { return e.lane == "" })
	topics := map[string][]*message.Message{}
	for _, group := range r.group(errands) {
		first := group[0]
		topic := ports.DispatchTopic(first.lane)
		if first.delay > 0 {
			topic = ports.RetryTopic(first.delay)
		}
		if !r.serves(topic) {
			continue
		}
		msg, err := workMessage(ctx, first.lane, group)
		if err != nil {
			return nil, err
		}
		topics[topic] = append(topics[topic], msg)
	}
	return topics, nil
}

// complete looks up what only the stream tells of those errands that lack it. Where it
// cannot be read they have no lane: they are held.
func (r *Relay) complete(ctx context.Context, errands []errand) error {
	var ids []string
	for _, e := range errands {
		if e.lane == "" {
			ids = append(ids, e.work.MessageID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	streams, err := readable(r.Store.LoadMany(ctx, ids))
	if err != nil {
		return err
	}
	for i, e := range errands {
		if e.lane != "" {
			continue
		}
		m := fold[domain.Message](e.work.MessageID, streams[e.work.MessageID]).State
		errands[i].lane = domain.Lane(m.Text.Lane)
		if e.work.Attempt == 0 {
			errands[i].work.Attempt = m.Attempt + 1
		}
	}
	return nil
}

// group puts together what may travel in one message, in order.
func (r *Relay) group(errands []errand) [][]errand {
	type queue struct {
		lane  domain.Lane
		delay time.Duration
	}
	var groups [][]errand
	open := map[queue]int{} // index in groups of what still has room
	for _, e := range errands {
		q := queue{e.lane, e.delay}
		size := orDefault(r.FrameSize, 64)
		if e.lane == domain.High {
			size = 1
		}
		if i, ok := open[q]; ok && len(groups[i]) < size {
			groups[i] = append(groups[i], e)
			continue
		}
		open[q] = len(groups)
		groups = append(groups, []errand{e})
	}
	return groups
}

// tier returns the longest tier that jitter can have cut to delay or less. It may
// be over a little before or after delay is: work that comes too early is dropped
// at its claim. That, and every delay without a tier, is the scheduler's. What has
// no delay goes to its lane at once.
func (r *Relay) tier(delay time.Duration) (time.Duration, bool) {
	if delay <= 0 {
		return 0, true
	}
	var best time.Duration
	for _, tier := range r.RetryTiers {
		if shortest := time.Duration(float64(tier) * (1 - domain.Jitter)); shortest <= delay && tier > best {
			best = tier
		}
	}
	return best, best > 0
}

func workMessage(ctx context.Context, lane domain.Lane, errands []errand) (*message.Message, error) {
	frame := ports.WorkFrame{Work: make([]ports.Work, len(errands))}
	for i, e := range errands {
		frame.Work[i] = e.work
	}
	payload, err := json.Marshal(frame)
	if err != nil {
		return nil, fmt.Errorf("encoding work frame: %w", err)
	}
	msg := outgoing(ctx, payload)
	msg.Metadata.Set(ports.HeaderLane, string(lane))
	return msg, nil
}

func outgoing(ctx context.Context, payload []byte) *message.Message {
	msg := message.NewMessage(watermill.NewUUID(), payload)
	msg.SetContext(ctx)
	return msg
}
