package commands

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// attempt posts a delivery once and notes what came of it. ended says whether it is
// final now; otherwise it is due again at until.
func (c *Courier) attempt(ctx context.Context, d Delivery) (ended bool, until time.Time, err error) {
	post, hook, why, err := c.prepare(ctx, d)
	if fatal(err) != nil {
		return false, until, err
	}
	if err != nil { // it waits, as after an attempt that failed: that is no fault of the endpoint
		return c.note(ctx, d, func(d *Delivery, now time.Time) {
			c.answered(d, WebhookPost{At: now}, WebhookAnswer{Fault: "unreadable"}, now)
		}, nil)
	}
	if why != "" {
		return c.note(ctx, d, func(d *Delivery, now time.Time) { d.end(DeliveryDead, why, now) }, nil)
	}
	answer := c.Post(ctx, post)
	after, err := c.learn(ctx, d.destination(), answer.Delivered)
	if err != nil {
		return false, until, err
	}
	ended, until, err = c.note(ctx, d, func(d *Delivery, now time.Time) { c.answered(d, post, answer, now) }, &after)
	if err == nil && !answer.Delivered && d.Endpoint != domain.CallbacksEndpoint {
		err = c.judge(ctx, d, hook, answer, after)
	}
	return ended, until, err
}

// prepare makes the post of a delivery, or says why it is given up. The error wraps
// events.ErrUnreadable where it takes an event that cannot be read.
func (c *Courier) prepare(ctx context.Context, d Delivery) (post WebhookPost, hook domain.Webhook, why string, err error) {
	streams, err := c.Store.LoadMany(ctx, []string{c.Lookup.webhooksStream(d.Tenant), d.Message})
	if fatal(err) != nil || unreadable(streams[c.Lookup.webhooksStream(d.Tenant)]) {
		return post, hook, "", err
	}
	endpoints := fold[domain.Webhooks]("", streams[c.Lookup.webhooksStream(d.Tenant)]).State
	hook, exists := endpoints.Endpoint(d.Endpoint)
	switch {
	case !exists:
		return post, hook, "deleted", nil
	case hook.Disabled != "":
		return post, hook, "disabled", nil
	case fold[domain.Message](d.Message, streams[d.Message]).Detached > 0:
		return post, hook, "archived", nil
	case len(streams[d.Message]) < d.Version:
		return post, hook, "", fmt.Errorf("loading stream %s: it ends before version %d", d.Message, d.Version)
	case unreadable(streams[d.Message][:d.Version]):
		return post, hook, "", err
	}
	post = WebhookPost{
		URL: hook.URL, ID: d.ID, At: c.now(),
		Message: d.Message, TraceParent: streams[d.Message][d.Version-1].Meta.TraceParent,
	}
	if d.Endpoint == domain.CallbacksEndpoint {
		post.URL = d.URL
	}
	for _, number := range hook.Signing(post.At) {
		post.Secrets = append(post.Secrets, c.Lookup.WebhookSecret(d.Tenant, d.Endpoint, number))
	}
	post.Body, err = c.Body(streams[d.Message][:d.Version])
	return post, hook, "", err
}

// answered is d after an attempt.
func (c *Courier) answered(d *Delivery, post WebhookPost, answer WebhookAnswer, now time.Time) {
	d.Attempts++
	d.Last = &DeliveryTry{At: post.At, HTTPStatus: answer.HTTPStatus, Fault: answer.Fault, Took: now.Sub(post.At)}
	delays := c.Delays
	if len(delays) == 0 {
		delays = DeliveryDelays
	}
	switch {
	case answer.Delivered:
		d.end(DeliveryDelivered, "", now)
	case answer.HTTPStatus == http.StatusGone:
		d.end(DeliveryDead, "gone", now)
	case d.Attempts > len(delays):
		d.end(DeliveryDead, "exhausted", now)
	default:
		delay := float64(delays[d.Attempts-1]) * (1 - domain.Jitter + 2*domain.Jitter*rand.Float64())
		d.due(now.Add(max(time.Duration(delay), min(answer.RetryAfter, time.Hour))), now)
	}
}

// note writes what change makes of d, and the health of its destination, unless
// somebody else has dealt with d meanwhile.
func (c *Courier) note(ctx context.Context, d Delivery, change func(*Delivery, time.Time), after *health) (ended bool, until time.Time, err error) {
	err = c.Views.Advance(ctx, deliveriesChanged, func(tx ports.ViewTx, checkpoint int64) (int64, error) {
		found, err := getDeliveries(ctx, tx, []string{d.ID})
		if err != nil {
			return checkpoint, err
		}
		current, ok := found[d.ID]
		if ok && current.Status == DeliveryPending && current.Attempts == d.Attempts && current.Replays == d.Replays {
			change(&current, c.now())
			if err := putDeliveries(ctx, tx, []Delivery{current}); err != nil {
				return checkpoint, err
			}
		}
		if ended = current.Status != DeliveryPending; !ended {
			until = *current.DueAt
		}
		if after == nil {
			return checkpoint, nil
		}
		return checkpoint, putHealth(ctx, tx, d.Tenant, d.destination(), *after)
	})
	if err != nil {
		return false, until, fmt.Errorf("noting delivery %s: %w", d.ID, err)
	}
	return ended, until, nil
}

// judge disables an endpoint that says it is gone, or has failed for days.
func (c *Courier) judge(ctx context.Context, d Delivery, hook domain.Webhook, answer WebhookAnswer, h health) error {
	reason := ""
	switch {
	case answer.HTTPStatus == http.StatusGone:
		reason = "gone"
	case h.lost(c.now()):
		reason = "failing"
	default:
		return nil
	}
	_, decided, err := execute(ctx, c.Store, c.Lookup.webhooksStream(d.Tenant), func(stream[domain.Webhooks]) (domain.Command, events.Meta, error) {
		return domain.DisableWebhook{ID: hook.ID, URL: hook.URL, Reason: reason, By: "courier"},
			events.Meta{Tenant: d.Tenant, Actor: "courier", CausationID: fmt.Sprintf("%s:%d", d.Message, d.Version)}, nil
	})
	if err != nil {
		return fmt.Errorf("disabling endpoint %s: %w", hook.ID, err)
	}
	if len(decided) == 0 {
		return nil
	}
	c.Log.Warn("endpoint disabled", "endpoint", hook.ID, "reason", reason)
	c.know(d.destination(), health{}) // enabled again, it begins anew
	_, _, err = c.note(ctx, d, func(*Delivery, time.Time) {}, new(health))
	return err
}
