package events

// ConsentOptedOut says that a number wants no more texts from a tenant. It holds
// until a ConsentOptedIn, whatever becomes of messages and keys.
type ConsentOptedOut struct {
	Number  Personal `json:"number"`            // E.164
	Keyword string   `json:"keyword,omitempty"` // "STOP"
	Source  string   `json:"source"`            // "keyword", "text" (free text, to be looked at), "api", "operator", "provider"
	Scope   string   `json:"scope"`             // "all"
}

// ConsentOptedIn lifts an opt-out.
type ConsentOptedIn struct {
	Number  Personal `json:"number"`
	Keyword string   `json:"keyword,omitempty"`
	Source  string   `json:"source"`
	Scope   string   `json:"scope"`
}

// ConsentReviewed says that somebody has looked at an opt-out that was read out of free
// text, and that it stands. It changes nothing.
type ConsentReviewed struct {
	By string `json:"by"` // the operator
}

// InboundReceived is a text to us.
type InboundReceived struct {
	From              Personal `json:"from"`
	To                Personal `json:"to"`
	Body              Personal `json:"body"`
	ProviderMessageID string   `json:"provider_message_id"`
}

func (ConsentOptedOut) EventType() string { return "consent.opted_out" }
func (ConsentOptedIn) EventType() string  { return "consent.opted_in" }
func (ConsentReviewed) EventType() string { return "consent.reviewed" }
func (InboundReceived) EventType() string { return "inbound.received" }
