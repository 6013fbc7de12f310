package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/adapters/tracing"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// subscriptions says how many frames of a lane are handled at once. A frame is
// done once it is claimed, which is a commit's time; lane high has one text in a
// frame and so needs most.
var subscriptions = map[domain.Lane]int{domain.High: 32, domain.Normal: 4, domain.Bulk: 2}

// eventsEvery is how often frames of events come from a relay that has no other topic.
const eventsEvery = 100 * time.Millisecond

// newRouter lists which handler consumes what, for the roles of this instance. Once
// stopping ends, frames that fail go back without a word: the bus is being closed.
func newRouter(stopping context.Context, roles roles, st stores, b bus, store, events ports.EventStore, dispatcher *commands.Dispatcher, runner *projections.Runner, announcer *commands.Announcer, traces *tracing.Tracing, log *slog.Logger) (*message.Router, error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 20 * time.Second}, watermill.NewSlogLoggerWithLevelMapping(log, quiet))
	if err != nil {
		return nil, fmt.Errorf("building router: %w", err)
	}
	consume := func(name, topic string, handle message.NoPublishHandlerFunc) {
		router.AddConsumerHandler(name, topic, shared{b}, settingAside(b, topic, log, returning(stopping, handle)))
	}
	if roles.has(roleRelay) {
		for i, group := range b.relayGroups() {
			relay := &commands.Relay{Store: events, Bus: b, Topics: b.relays[i], RetryTiers: b.retryTiers}
			if slices.Equal(relay.Topics, []string{ports.TopicEvents}) {
				relay.Every = eventsEvery
			}
			router.AddConsumerHandler(group, group, st.feed(group), returning(stopping, traces.Relay(relay.Handle)))
		}
	}
	if roles.has(roleDispatch) {
		for _, lane := range domain.Lanes {
			topic := ports.DispatchTopic(lane)
			for i := range subscriptions[lane] {
				consume(fmt.Sprintf("%s#%d", topic, i+1), topic, traces.Consumer("claim "+topic, dispatcher.Handler(lane)))
			}
		}
		if b.deadLetters {
			poison := &commands.Poison{Store: store, Dispatch: dispatcher.Dispatch, Log: log}
			consume(ports.TopicDeadLetter, ports.TopicDeadLetter, poison.Handle)
		}
	}
	if roles.has(roleProject) {
		topic := ports.TopicEvents + "." + consumerProjections
		consume(topic, topic, traces.Consumer("project "+topic, runner.Handle))
		webhooks := ports.TopicEvents + "." + consumerWebhooks
		consume(webhooks, webhooks, announcer.Handle)
	}
	return router, nil
}

// runRouter consumes until ctx ends. Then it stops claiming first, and lets go of
// relays that wait for a consumer in this process.
func runRouter(ctx context.Context, router *message.Router, dispatcher *commands.Dispatcher, b bus) error {
	stopped, ended := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		dispatcher.Stop()
		// Closed amid its start, the router would fail and wait for handlers that never ran.
		select {
		case <-router.Running():
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		_ = b.Close() // reported when it is closed again at the end
		_ = router.Close()
	})
	err := router.Run(context.WithoutCancel(ctx))
	close(ended)
	if !stop() {
		<-stopped
	}
	return err
}

// headerSetAside is metadata of what was set aside: the topic that it came from.
const headerSetAside = "set_aside_from"

// settingAside puts what handle cannot read where somebody may look at it: it would come
// again for ever, and before all others. In one process nobody else can have put it there.
func settingAside(b bus, topic string, log *slog.Logger, handle message.NoPublishHandlerFunc) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		err := handle(msg)
		if !errors.Is(err, ports.ErrMalformed) {
			return err
		}
		log.Error("setting aside what cannot be read", "topic", topic, "to", ports.TopicUnreadable, "id", msg.UUID, "error", err)
		if !b.deadLetters {
			return nil
		}
		aside := msg.Copy()
		aside.Metadata.Set(headerSetAside, topic)
		return b.Publish(ports.TopicUnreadable, aside)
	}
}

// returning hands a frame that failed back by itself when stopping has ended; the
// router would log that as an error.
func returning(stopping context.Context, handle message.NoPublishHandlerFunc) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		err := handle(msg)
		if err != nil && stopping.Err() != nil && msg.Nack() {
			return nil
		}
		return err
	}
}

// shared is a subscriber that many handlers use: the router closes that of every
// handler, and ending their contexts is enough.
type shared struct{ message.Subscriber }

// Close does nothing: whoever opened the bus closes it.
func (shared) Close() error { return nil }

// quiet makes what the router tells of its everyday life visible to those only
// who debug it.
var quiet = map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug}
