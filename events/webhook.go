package events

import "time"

// WebhookCreated says that a tenant wants to be told of events at a URL. Its secret
// is stored nowhere: it follows from the database's key, the endpoint and Secret of
// WebhookRotated, which is 1 at first.
type WebhookCreated struct {
	ID    string   `json:"id"` // of the endpoint, within the tenant's stream
	URL   string   `json:"url"`
	Types []string `json:"types"` // of events that it is told of
}

// WebhookChanged says where an endpoint is from now on, and what it is told of.
type WebhookChanged struct {
	ID    string   `json:"id"`
	URL   string   `json:"url"`
	Types []string `json:"types"`
}

// WebhookRotated says that an endpoint has a new secret. Until PreviousUntil the one
// before signs as well.
type WebhookRotated struct {
	ID            string    `json:"id"`     // "callbacks": the tenant's secret for callback URLs
	Secret        int       `json:"secret"` // number of the new one
	PreviousUntil time.Time `json:"previous_until"`
}

// WebhookDisabled says that an endpoint is told of nothing any more.
type WebhookDisabled struct {
	ID     string `json:"id"`
	Reason string `json:"reason"` // "failing", "gone", "request"
	By     string `json:"by"`
}

// WebhookEnabled says that an endpoint is told again of what happens from now on.
type WebhookEnabled struct {
	ID string `json:"id"`
	By string `json:"by"`
}

// WebhookDeleted ends an endpoint.
type WebhookDeleted struct {
	ID string `json:"id"`
	By string `json:"by"`
}

// WebhookReplayed says that a delivery is to be posted once more. It stands in the
// stream of the delivery.
type WebhookReplayed struct {
	Delivery string `json:"delivery"`
	ID       string `json:"id"` // of the endpoint; "callbacks": the message's own URL
	Message  string `json:"message"`
	Version  int    `json:"version"` // of the message, with the event that is told again
	By       string `json:"by"`
}

func (WebhookCreated) EventType() string  { return "webhook.created" }
func (WebhookChanged) EventType() string  { return "webhook.changed" }
func (WebhookRotated) EventType() string  { return "webhook.rotated" }
func (WebhookDisabled) EventType() string { return "webhook.disabled" }
func (WebhookEnabled) EventType() string  { return "webhook.enabled" }
func (WebhookDeleted) EventType() string  { return "webhook.deleted" }
func (WebhookReplayed) EventType() string { return "webhook.replayed" }
