package main

import (
	"context"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// newProjections lists the views that are kept in step with the log.
func newProjections(lookup commands.Lookup) []projections.Projection {
	return []projections.Projection{
		projections.Messages(),
		projections.Keys(),
		projections.OptOuts(),
		projections.InboundTexts(),
		projections.Contacts(func(number events.Personal) string {
			return lookup.ConsentStream(commands.EveryTenant, number)
		}),
	}
}

// newTexted tells whom a text to us is for, from a view that is up to date: an
// opt-out must reach everybody whom it is meant for.
func newTexted(c Config, runner *projections.Runner, queries projections.Queries) commands.Texted {
	return func(ctx context.Context, recipient string, number events.Personal) ([]string, error) {
		if err := runner.CatchUp(ctx); err != nil {
			return nil, err
		}
		// Which number of a Messaging Service a text came from is not known.
		byDefault := c.TwilioService != "" || string(number) == c.TwilioFrom || string(number) == sandbox.DefaultFrom
		return queries.Texted(ctx, recipient, string(number), byDefault)
	}
}
