// Package commands holds the requests as they arrive and the handlers that turn
// them into decisions: load, decide, append. The relay, the dispatcher and the
// scheduler stand here too: they are the same, asked by the clock or the bus.
package commands

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/pro-sms/prosms/domain/keywords"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Handler carries out commands. It is safe for concurrent use.
type Handler struct {
	Store  ports.EventStore
	Lookup Lookup
	Sealer *Sealer // by whose keys people are forgotten, over Store; nil: nobody is
	Region string  // for numbers without "+"; empty: they are refused
	// Numbers are the tenants that texts to numbers of ours are for, before anybody
	// is asked who has texted whom.
	Numbers  map[string][]string
	Keywords keywords.Words // beside the lists
	Replies  Replies        // to keywords
	Texted   Texted         // whom a text to us is for; nil: nobody has texted anybody
	// DefaultTenant is whose a text to us is when nobody has texted its sender.
	// Empty: EveryTenant's.
	DefaultTenant string
	Quotas        *Quotas // nil: no tenant is capped
	Fuse          *Fuse   // nil: no prefix is paused
	// Refused is told how many texts of a tenant a cap or a pause has refused, with the
	// code of the API for it; nil: nobody is.
	Refused func(tenant, code string, texts int)
	Fresh   *Fresh // is given what is accepted, for who claims it in this process; nil: nobody does
	// PlainCallbacks allows callback URLs that begin with http://.
	PlainCallbacks bool
	Now            func() time.Time // nil: time.Now

	// SentAs finds the message of a receipt that does not name it; nil: nobody does.
	SentAs SentAs

	senders, recipients numbers
	strays              strays
}

// Caller is who asks, as the inbound adapter has established it.
type Caller struct {
	Tenant      string
	Actor       string // "key:<id>", "operator:<name>"
	Test        bool   // only the sandbox may send what it asks for
	RequestID   string
	TraceParent string
	Reason      string // why, where an operator was asked
}

func (c Caller) meta() events.Meta {
	return events.Meta{Tenant: c.Tenant, Actor: c.Actor, CorrelationID: c.RequestID, TraceParent: c.TraceParent, Reason: c.Reason}
}

func (h *Handler) now() time.Time {
	if h.Now == nil {
		return time.Now().UTC()
	}
	return h.Now().UTC()
}

// newMessageID returns an id that sorts by time (UUID version 7, RFC 9562).
func newMessageID() string {
	id := uuid.Must(uuid.NewV7())
	return messagePrefix + hex.EncodeToString(id[:])
}
