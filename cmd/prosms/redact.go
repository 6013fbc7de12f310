package main

import (
	"context"
	"log/slog"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// redacter is a provider that can be asked to keep a text no longer.
type redacter interface {
	Redact(ctx context.Context, providerMessageID, what string) ports.Redaction
}

// Redact implements redacter for a provider that does.
func (k *rotating) Redact(ctx context.Context, providerMessageID, what string) ports.Redaction {
	if provider, ok := k.current.Load().provider.(redacter); ok {
		return provider.Redact(ctx, providerMessageID, what)
	}
	return ports.Redaction{Detail: "this provider cannot"}
}

// redacts notes who can be asked to keep texts no longer.
func (p *providers) redacts(name string, provider redacter) {
	if p.redacters == nil {
		p.redacters = map[string]func(context.Context, string, string) ports.Redaction{}
	}
	p.redacters[name] = provider.Redact
}

// newRedactors returns who has providers forget: of texts that have ended, and of those
// whose end will not be known. None where nobody is to.
func newRedactors(c Config, ps providers, store, log ports.EventStore, runner *projections.Runner, queries projections.Queries, logger *slog.Logger) []*commands.Redactor {
	if c.TwilioRedact == "off" {
		return nil
	}
	ended := commands.Redactor{
		Store: store, Log: log, Views: runner.Views, Providers: ps.redacters, Delete: c.TwilioRedact == "delete", After: c.RedactAfter, Logger: logger,
		SentTo: func(ctx context.Context, tenant, consent string, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error) {
			if err := runner.CatchUp(ctx, projections.Messages().Name); err != nil {
				return nil, nil, err
			}
			return queries.SentTo(ctx, tenant, consent, after, limit)
		},
	}
	unanswered := ended
	unanswered.Unanswered, unanswered.After = true, c.RedactUnanswered
	return []*commands.Redactor{&ended, &unanswered}
}
