package main

import (
	"log/slog"

	api "github.com/pro-sms/prosms/adapters/http"
	"github.com/pro-sms/prosms/adapters/webhook"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
)

// hooks is what tells customers of events: who asks for it, who queues and who posts.
type hooks struct {
	*commands.Webhooks
	announcer *commands.Announcer
	courier   *commands.Courier
	pruner    commands.Pruner
}

func newHooks(c Config, store, log ports.EventStore, views ports.Views, lookup commands.Lookup, logger *slog.Logger) hooks {
	client := webhook.New(webhook.Config{AllowPrivate: c.WebhookAllowPrivate})
	courier := &commands.Courier{
		Store: store, Views: views, Lookup: lookup, Body: api.Notification, Post: client.Post, Delays: c.WebhookRetryDelays, Log: logger,
	}
	return hooks{
		Webhooks:  &commands.Webhooks{Store: store, Views: views, Lookup: lookup, AllowPrivate: c.WebhookAllowPrivate},
		announcer: &commands.Announcer{Store: log, Views: views, Lookup: lookup, Log: logger, Queued: courier.Wake},
		courier:   courier,
		pruner:    commands.Pruner{Store: store, Views: views, Keep: c.WebhookKeep, Log: logger},
	}
}
