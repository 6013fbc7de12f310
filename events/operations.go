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
	Subject string `json:"subject"` // keyed hash of the number
	By      string `json:"by"`
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
func (SubjectForgotten) EventType() string  { return "subject.forgotten" }
func (ReceiptUnknown) EventType() string    { return "receipt.unknown" }
func (LogDetached) EventType() string       { return "log.detached" }
func (LogAttached) EventType() string       { return "log.attached" }
