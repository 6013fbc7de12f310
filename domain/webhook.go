package domain

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
)

// WebhookTypes lists the events that customers can be told of: whatever changes, or
// explains, the status of a message.
var WebhookTypes = []string{
	"message.accepted", "message.deferred", "message.attempted", "message.dispatched", "message.failed", "message.retried",
	"message.in_doubt", "message.reconciled", "message.dead_lettered", "message.redriven", "message.opted_out",
	"message.delivered", "message.undelivered", "message.canceled", "message.expired",
}

// CallbacksEndpoint stands for the callback URLs of single messages among the
// endpoints of a tenant: it always exists and has a secret.
const CallbacksEndpoint = "callbacks"

// MaxWebhooks is how many endpoints a tenant may have.
const MaxWebhooks = 20

// ErrTooManyWebhooks says that a tenant has MaxWebhooks endpoints.
var ErrTooManyWebhooks = errors.New("tenant has as many endpoints as it may")

// Webhooks is the state of a tenant's endpoints, in the order they were created.
type Webhooks struct {
	Endpoints []Webhook
	Callbacks Webhook // its secret alone
}

// Webhook is one endpoint.
type Webhook struct {
	ID            string
	URL           string
	Types         []string
	Disabled      string    // the reason; empty: it is enabled
	Secret        int       // number of its secret: 1 for the first
	PreviousUntil time.Time // until when the secret before signs as well
}

// CreateWebhook adds an endpoint.
type CreateWebhook struct{ Endpoint events.WebhookCreated }

// ChangeWebhook replaces what an endpoint is told of, and where.
type ChangeWebhook struct{ Endpoint events.WebhookChanged }

// RotateWebhook gives an endpoint a new secret; the old one signs until Until as well.
type RotateWebhook struct {
	ID    string
	Until time.Time
}

// DisableWebhook stops telling an endpoint; URL, unless it is empty, is where it has
// to be still.
type DisableWebhook struct{ ID, URL, Reason, By string }

// EnableWebhook tells an endpoint again.
type EnableWebhook struct{ ID, By string }

// DeleteWebhook ends an endpoint.
type DeleteWebhook struct{ ID, By string }

// Decide answers c with events; what is already so is decided without any.
func (w Webhooks) Decide(c Command) ([]events.Event, error) {
	switch c := c.(type) {
	case CreateWebhook:
		if len(w.Endpoints) >= MaxWebhooks {
			return nil, ErrTooManyWebhooks
		}
		return []events.Event{c.Endpoint}, nil
	case ChangeWebhook:
		if c.Endpoint.ID == CallbacksEndpoint {
			return nil, ErrNotFound
		}
		return w.decide(c.Endpoint.ID, func(e Webhook) events.Event {
			if e.URL == c.Endpoint.URL && slices.Equal(e.Types, c.Endpoint.Types) {
				return nil
			}
			return c.Endpoint
		})
	case RotateWebhook:
		return w.decide(c.ID, func(e Webhook) events.Event {
			return events.WebhookRotated{ID: c.ID, Secret: e.Secret + 1, PreviousUntil: c.Until}
		})
	case DisableWebhook:
		return w.decide(c.ID, func(e Webhook) events.Event {
			if e.Disabled != "" || c.URL != "" && c.URL != e.URL || c.ID == CallbacksEndpoint {
				return nil
			}
			return events.WebhookDisabled{ID: c.ID, Reason: c.Reason, By: c.By}
		})
	case EnableWebhook:
		return w.decide(c.ID, func(e Webhook) events.Event {
			if e.Disabled == "" {
				return nil
			}
			return events.WebhookEnabled{ID: c.ID, By: c.By}
		})
	case DeleteWebhook:
		if c.ID == CallbacksEndpoint {
			return nil, ErrNotFound
		}
		return w.decide(c.ID, func(Webhook) events.Event { return events.WebhookDeleted{ID: c.ID, By: c.By} })
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

// decide answers with the event about an endpoint, unless there is none.
func (w Webhooks) decide(id string, about func(Webhook) events.Event) ([]events.Event, error) {
	endpoint, ok := w.Endpoint(id)
	if !ok {
		return nil, ErrNotFound
	}
	if e := about(endpoint); e != nil {
		return []events.Event{e}, nil
	}
	return nil, nil
}

// Evolve returns w after e.
func (w Webhooks) Evolve(e events.Event) Webhooks {
	switch e := e.(type) {
	case events.WebhookCreated:
		w.Endpoints = append(slices.Clip(w.Endpoints), Webhook{ID: e.ID, URL: e.URL, Types: e.Types, Secret: 1})
	case events.WebhookChanged:
		return w.with(e.ID, func(hook *Webhook) { hook.URL, hook.Types = e.URL, e.Types })
	case events.WebhookRotated:
		return w.with(e.ID, func(hook *Webhook) { hook.Secret, hook.PreviousUntil = e.Secret, e.PreviousUntil })
	case events.WebhookDisabled:
		return w.with(e.ID, func(hook *Webhook) { hook.Disabled = e.Reason })
	case events.WebhookEnabled:
		return w.with(e.ID, func(hook *Webhook) { hook.Disabled = "" })
	case events.WebhookDeleted:
		w.Endpoints = slices.DeleteFunc(slices.Clone(w.Endpoints), func(hook Webhook) bool { return hook.ID == e.ID })
	}
	return w
}

// with changes one endpoint, in a copy of the list.
func (w Webhooks) with(id string, change func(*Webhook)) Webhooks {
	if id == CallbacksEndpoint {
		w.Callbacks, _ = w.Endpoint(id)
		change(&w.Callbacks)
		return w
	}
	w.Endpoints = slices.Clone(w.Endpoints)
	for i := range w.Endpoints {
		if w.Endpoints[i].ID == id {
			change(&w.Endpoints[i])
		}
	}
	return w
}

// Endpoint returns one of them.
func (w Webhooks) Endpoint(id string) (Webhook, bool) {
	if id == CallbacksEndpoint {
		callbacks := w.Callbacks
		callbacks.ID, callbacks.Secret = id, max(1, callbacks.Secret)
		return callbacks, true
	}
	i := slices.IndexFunc(w.Endpoints, func(hook Webhook) bool { return hook.ID == id })
	if i < 0 {
		return Webhook{}, false
	}
	return w.Endpoints[i], true
}

// Wants reports whether the endpoint is told of a type of events.
func (w Webhook) Wants(eventType string) bool {
	return w.Disabled == "" && slices.Contains(w.Types, eventType)
}

// Signing returns the numbers of the secrets that sign at now, the newest first.
func (w Webhook) Signing(now time.Time) []int {
	if w.Secret > 1 && now.Before(w.PreviousUntil) {
		return []int{w.Secret, w.Secret - 1}
	}
	return []int{w.Secret}
}
