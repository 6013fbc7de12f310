package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// newProjections lists the views that are kept in step with the log.
func newProjections(lookup commands.Lookup) []projections.Projection {
	return []projections.Projection{
		projections.Messages(),
		projections.Keys(),
		projections.OptOuts(),
		projections.InboundTexts(),
		contacts(lookup),
		projections.DeadLetters(),
		projections.Replays(),
	}
}

func contacts(lookup commands.Lookup) projections.Projection {
	return projections.Contacts(func(number events.Personal) string {
		return lookup.ConsentStream(commands.EveryTenant, number)
	})
}

// catchUpTime bounds how long a text to us waits for the view: Twilio waits 15 s.
const catchUpTime = 5 * time.Second

// newTexted tells whom a text to us is for, from a view that is up to date: an
// opt-out must reach everybody whom it is meant for.
func newTexted(c Config, lookup commands.Lookup, store ports.EventStore, queries projections.Queries, log *slog.Logger) commands.Texted {
	runner := projections.Runner{
		Store: store, Views: queries.Views, Projections: []projections.Projection{contacts(lookup)}, Log: log,
	}
	return func(ctx context.Context, recipient string, number events.Personal) ([]string, error) {
		bounded, cancel := context.WithTimeout(ctx, catchUpTime)
		defer cancel()
		err := runner.CatchUp(bounded)
		if stopped := (projections.Unappliable{}); err != nil && ctx.Err() == nil && (bounded.Err() != nil || errors.As(err, &stopped)) {
			return nil, commands.ErrBehind
		}
		if err != nil {
			return nil, err
		}
		return queries.Texted(ctx, recipient, string(number), lookup.ConsentStream(commands.EveryTenant, number), c.sendsFrom(string(number)))
	}
}

// sendsFrom reports whether texts that name no sender may come from number. Which
// number of a Messaging Service they come from is not known.
func (c *Config) sendsFrom(number string) bool {
	return number == sandbox.DefaultFrom || slices.ContainsFunc(c.Providers, func(p ProviderConfig) bool {
		return p.From == number || p.Twilio != nil && p.Twilio.Service != ""
	})
}
