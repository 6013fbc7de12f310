package ports

import (
	"context"
	"errors"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// ErrNoLookup says that a provider cannot be asked what it has accepted: doubts
// about it end only by receipt or by policy.
var ErrNoLookup = errors.New("provider cannot be asked")

// Provider sends texts. It is safe for concurrent use and obeys porttest.Provider.
type Provider interface {
	// Name is the provider's name in the configuration and in events.
	Name() string

	// Send makes one attempt and never a second one by itself. It returns within
	// its own timeout, with ClassInDoubt unless it knows better; ctx ending early
	// is no reason to claim that nothing was sent.
	Send(ctx context.Context, text Text) Outcome

	// Find looks for an attempt among what the provider has accepted. The error
	// wraps ErrNoLookup where the provider cannot be asked.
	Find(ctx context.Context, attempt Lookup) (Found, error)

	// Status asks what has become of a text that the provider accepted under this
	// id. Attempt and At of the receipt are for the caller to fill. The error
	// wraps ErrNoLookup where the provider cannot be asked.
	Status(ctx context.Context, providerMessageID string) (domain.Receipt, error)
}

// Text is one attempt at a message.
type Text struct {
	MessageID string
	Attempt   int
	To, Body  events.Personal
	From      events.Personal // empty: the provider's default sender
	ExpiresAt *time.Time      // not worth delivering afterwards

	// For measuring and tracing; no provider is told.
	Lane        domain.Lane // empty in look-ups
	Since       time.Time   // from when on it was to be sent; zero in look-ups
	TraceParent string      // of the request that the message came with
}

// Outcome is what an attempt came to. Nothing in it is personal.
type Outcome struct {
	Class             domain.Class
	ProviderMessageID string        // with ClassSent
	ProviderStatus    string        // with ClassSent
	Code              string        // the provider's error code
	HTTPStatus        int           // 0: no answer
	Detail            string        // in our words
	Cause             string        // with ClassInDoubt: "timeout", "http_503", "connection_lost", "unreadable_answer"
	RetryAfter        time.Duration // the provider's wish; 0: none
	ProviderRequestID string        // what the provider calls the call; empty: nothing
}

// Redaction is what came of asking a provider to keep no longer what it has taken
// on. Nothing in it is personal.
type Redaction struct {
	Done       bool   // it keeps it no longer, or never did
	Code       string // otherwise: the provider's error code
	HTTPStatus int    // 0: no answer
	Detail     string // in our words
}

// Lookup describes an attempt whose outcome is unknown.
type Lookup struct {
	Text
	AttemptedAt time.Time
	Until       time.Time // up to when it may have been made; zero: AttemptedAt
	// Bound reports whether a provider's message is known to be another attempt's.
	Bound func(providerMessageID string) bool
}

// Found is the answer to a Lookup.
type Found struct {
	ProviderMessageID string // empty: no trace
	Ambiguous         bool   // several matched; the earliest was taken
}
