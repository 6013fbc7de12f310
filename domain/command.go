package domain

import (
	"errors"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Refusals of a command. What matters no longer is not refused: it has no events.
var (
	ErrUnknownCommand = errors.New("unknown command")
	ErrNotFound       = errors.New("not found")
	ErrExists         = errors.New("exists already")
	ErrClaimed        = errors.New("already claimed")
	ErrFinal          = errors.New("already final")
)

// Command is something that can be asked of a message.
type Command any

// Accept takes a text on.
type Accept struct{ Text events.MessageAccepted }

// Claim asks for the right to call the provider for one attempt.
type Claim struct {
	Attempt  int    // the one that is meant; any other no longer matters
	ID       string // of the attempt, echoed by the provider
	Provider string
	OptedOut bool // the recipient's consent, at a version that the append names
	Erased   bool // the recipient was forgotten, or the body's time is over: there is nothing to send
	Quiet    Quiet
	Paused   time.Time // texts to its recipient's prefix are paused: to ask again then; zero: they are not
	Now      time.Time
}

// Defer lets the attempt that it means wait for a time, although nothing failed.
type Defer struct {
	Attempt int
	Until   time.Time
	Reason  string
}

// Quiet is what the recipient's quiet hours say about a claim. The zero value says
// nothing against it.
type Quiet struct {
	Until time.Time // not to be sent before; zero: at once
	Never bool      // no time to send it is in sight
}

// RecordSent says that the provider accepted an attempt.
type RecordSent struct {
	Attempt           int
	Provider          string
	ProviderMessageID string
	ProviderStatus    string
	ProviderRequestID string
}

// RecordFailure says that an attempt was certainly not sent.
type RecordFailure struct {
	Failure    events.MessageFailed
	RetryAfter time.Duration // the provider's wish; 0: none
	Candidates []string      // providers that may take the text, best first; none: only the one that failed
	Retry      Retry
}

// RecordDoubt says that nobody knows whether an attempt was sent.
type RecordDoubt struct {
	Attempt           int
	Cause             string
	ProviderRequestID string
}

// Reconcile says what looking an attempt up at the provider showed.
type Reconcile struct {
	Attempt           int
	ProviderMessageID string // empty: no trace
	Resend            bool   // without a trace: try again, or else hold for an operator
	Retry             Retry
}

// Retry is what a decision about another attempt needs.
type Retry struct {
	Schedule RetrySchedule
	Chance   float64   // 0..1, for jitter
	Since    time.Time // from when the delay counts; zero: Now
	Now      time.Time
}

// Receipt is a provider's later word on an attempt.
type Receipt struct {
	Provider          string // who says so; empty: whoever made the attempt
	Attempt           int    // 0: not known, matched by ProviderMessageID
	ProviderMessageID string
	ProviderStatus    string
	ErrorCode         string
	Result            ReceiptResult
	At                time.Time
}

// ReceiptResult is what a receipt means.
type ReceiptResult int

// The results of a receipt.
const (
	ReceiptProgress ReceiptResult = iota // on its way
	ReceiptDelivered
	ReceiptUndelivered
)

// Cancel calls a message back.
type Cancel struct{ By string }

// Expire ends a message whose time has passed.
type Expire struct{ Now time.Time }
