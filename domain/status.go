// Package domain decides what may happen to a message, a consent, a key and a
// replay. It is pure: no clock, no randomness, no I/O; time and chance enter as values.
package domain

// Status is where a message stands; the API shows these words.
type Status string

// The statuses of a message. Scheduled also covers what is deferred.
const (
	Scheduled    Status = "scheduled"
	Accepted     Status = "accepted"
	Dispatching  Status = "dispatching"
	Retrying     Status = "retrying"
	InDoubt      Status = "in_doubt"
	Dispatched   Status = "dispatched"
	Delivered    Status = "delivered"
	Undelivered  Status = "undelivered"
	DeadLettered Status = "dead_lettered"
	OptedOut     Status = "opted_out"
	Canceled     Status = "canceled"
	Expired      Status = "expired"
)

// Statuses lists all of them in the order of a message's life.
var Statuses = []Status{
	Scheduled, Accepted, Dispatching, Retrying, InDoubt, Dispatched,
	Delivered, Undelivered, DeadLettered, OptedOut, Canceled, Expired,
}

// Lane is a class of service with its own queue.
type Lane string

// The lanes, most urgent first.
const (
	High   Lane = "high"
	Normal Lane = "normal"
	Bulk   Lane = "bulk"
)

// Lanes lists all lanes, most urgent first.
var Lanes = []Lane{High, Normal, Bulk}

// Kind says which rules of consent and quiet hours a text falls under.
type Kind string

// The kinds of a text.
const (
	Transactional Kind = "transactional"
	Marketing     Kind = "marketing"
)

// Class is what an attempt came to. Providers name it, Decide draws the consequence.
type Class string

// The classes of an attempt's outcome.
const (
	ClassSent         Class = "sent"          // the provider has it
	ClassPermanent    Class = "permanent"     // will never be accepted: give up
	ClassOptedOut     Class = "opted_out"     // the provider knows of an opt-out
	ClassThrottled    Class = "throttled"     // not processed, too fast
	ClassProviderWide Class = "provider_wide" // not sent; nothing will be until the provider or our account with it is mended
	ClassSender       Class = "sender"        // not sent; this sender cannot
	ClassUnroutable   Class = "unroutable"    // not sent; this provider cannot reach the recipient, another may
	ClassNotSent      Class = "not_sent"      // certainly not sent, worth another try
	ClassInDoubt      Class = "in_doubt"      // may have been sent
)
