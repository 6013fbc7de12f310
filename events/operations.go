package events

import "time"

// KeyIssued says that an API key exists. Its secret is never stored, only a hash.
type KeyIssued struct {
	Tenant    string     `json:"tenant"`
	Scopes    []string   `json:"scopes"` // "messages:write", "messages:read", "admin"
	Test      bool       `json:"test,omitempty"`
	Hash      Hash       `json:"hash"` // SHA-256 of the secret, which has 160 random bits or more
	ExpiresAt *time.Time `json:"expires_at,omitempty"`

	AllowedIPs []string `json:"allowed_ips,omitempty"` // networks such as "192.0.2.0/24"; none: any address
	Rate       int      `json:"rate,omitempty"`        // requests a second; 0: that of the installation
}

// KeyRotated says that another key takes the place of this one, which ends a while
// later. Both are in one commit.
type KeyRotated struct {
	By        string    `json:"by"`
	Successor string    `json:"successor"` // id of the other key
	ExpiresAt time.Time `json:"expires_at"`
}

// KeyRevoked ends a key.
type KeyRevoked struct {
	By string `json:"by"`
}

// BreakerOpened says that a provider is not called for a while.
type BreakerOpened struct {
	Provider string    `json:"provider"`
	Reason   string    `json:"reason"` // "failure_rate", "consecutive", "provider_wide", "probe", "operator: <why>"
	Until    time.Time `json:"until"`  // when probes begin; zero: when an operator closes it
	// What "failure_rate" and "consecutive" were found by, of all instances as far as the
	// one that found it knew. With other reasons they are 0.
	Succeeded int `json:"succeeded,omitempty"` // calls of the window
	Failed    int `json:"failed,omitempty"`    // calls of the window
	InARow    int `json:"in_a_row,omitempty"`  // failures since the last success
}

// BreakerHalfOpened says that probes decide whether the provider is back.
type BreakerHalfOpened struct {
	Provider string `json:"provider"`
}

// BreakerClosed says that the provider is called again.
type BreakerClosed struct {
	Provider string `json:"provider"`
	Reason   string `json:"reason"` // "probes", "operator: <why>"
}

// FuseBlown says that texts to a prefix look as if somebody had them sent for their
// price (SMS pumping): of a sample to numbers that are new there, few arrived.
type FuseBlown struct {
	Tenant    string    `json:"tenant"`    // whose texts
	Prefix    string    `json:"prefix"`    // what the numbers begin with; their last digits, three or more, are not in it
	Texts     int       `json:"texts"`     // of the sample, each to another number
	Delivered int       `json:"delivered"` // of these
	Paused    bool      `json:"paused"`    // no text goes to the prefix; false: it is reported only
	At        time.Time `json:"at"`
	Until     time.Time `json:"until"` // when it is over by itself
}

// FuseLifted says that texts go to a prefix again, and that for a while its fuse does
// not blow.
type FuseLifted struct {
	Tenant string    `json:"tenant"`
	Prefix string    `json:"prefix"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"` // when it may blow again
}

// ReceiptUnknown is a provider's final word on what no message of ours is known as: of
// another installation, or of a text that was sent after the backup that this one is
// made of.
type ReceiptUnknown struct {
	Message           string `json:"message,omitempty"` // that the callback names, if it names any
	Attempt           int    `json:"attempt,omitempty"`
	Provider          string `json:"provider,omitempty"` // empty: Twilio's webhook
	ProviderMessageID string `json:"provider_message_id"`
	ProviderStatus    string `json:"provider_status"`
	ErrorCode         string `json:"error_code,omitempty"`
}

// SubjectForgotten says that a person's data key was destroyed.
type SubjectForgotten struct {
	Subject string `json:"subject"`           // keyed hash of the number
	Consent string `json:"consent,omitempty"` // stream of their consent, which stands for the number in views
	By      string `json:"by"`
}

// ProjectionSkipped says that a projection passes over an event which it cannot
// apply, because an operator has decided so: live, and whenever its view is made anew
// by the same revision of its reducer.
type ProjectionSkipped struct {
	Projection string `json:"projection"` // "messages"
	Revision   int    `json:"revision"`   // of the reducer, 1 for the first
	Position   int64  `json:"position"`   // of the event that is not applied
	By         string `json:"by"`
	Reason     string `json:"reason"`
}

// LogDetached says that payloads may be missing from here on: those of messages that
// lie within the archive as a whole and had reached their end before a time. It is
// committed before the first of them goes.
type LogDetached struct {
	Archive string    `json:"archive"` // the name of its file
	First   int64     `json:"first"`   // positions
	Last    int64     `json:"last"`
	Link    Hash      `json:"link"`   // of the commit that ends at Last
	Before  time.Time `json:"before"` // nothing has happened to such a message since
}

// LogAttached says that the payloads of an archive are all back in their places.
type LogAttached struct {
	Archive string `json:"archive"`
	First   int64  `json:"first"`
	Last    int64  `json:"last"`
	Link    Hash   `json:"link"`
}

func (KeyIssued) EventType() string         { return "key.issued" }
func (KeyRevoked) EventType() string        { return "key.revoked" }
func (KeyRotated) EventType() string        { return "key.rotated" }
func (BreakerOpened) EventType() string     { return "breaker.opened" }
func (BreakerHalfOpened) EventType() string { return "breaker.half_opened" }
func (BreakerClosed) EventType() string     { return "breaker.closed" }
func (FuseBlown) EventType() string         { return "fuse.blown" }
func (FuseLifted) EventType() string        { return "fuse.lifted" }
func (SubjectForgotten) EventType() string  { return "subject.forgotten" }
func (ProjectionSkipped) EventType() string { return "projection.skipped" }
func (ReceiptUnknown) EventType() string    { return "receipt.unknown" }
func (LogDetached) EventType() string       { return "log.detached" }
func (LogAttached) EventType() string       { return "log.attached" }
