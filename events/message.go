package events

import "time"

// MessageAccepted says that a text was taken on. From here on Pro-SMS owes it a
// terminal status.
type MessageAccepted struct {
	To          Personal          `json:"to"`                     // E.164
	From        Personal          `json:"from,omitempty"`         // E.164, short code or alphanumeric; empty: the provider's default sender
	Body        Personal          `json:"body"`                   // normalised text, at most 1,600 characters
	Encoding    string            `json:"encoding"`               // "GSM-7" or "UCS-2"
	Segments    int               `json:"segments"`               // parts the text is billed as
	Lane        string            `json:"lane"`                   // "high", "normal" or "bulk"
	Kind        string            `json:"kind"`                   // "transactional" or "marketing"
	SendAt      *time.Time        `json:"send_at,omitempty"`      // not claimed before
	ExpiresAt   *time.Time        `json:"expires_at,omitempty"`   // not claimed after
	Reference   string            `json:"reference,omitempty"`    // the customer's own name for it
	Metadata    map[string]string `json:"metadata,omitempty"`     // the customer's, untouched
	CallbackURL string            `json:"callback_url,omitempty"` //
	TimeZone    string            `json:"time_zone,omitempty"`    // IANA name of the recipient's zone, where the customer knows it
	Consent     string            `json:"consent"`                // stream id of the recipient's consent
	Fingerprint string            `json:"fingerprint,omitempty"`  // keyed hash of the request, where it came with an idempotency key
	Test        bool              `json:"test,omitempty"`         // came with a psk_test_ key: only the sandbox may send it
}

// MessageDeferred says that sending waits although nothing failed.
type MessageDeferred struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"` // "quiet_hours", "breaker", "pacing", "prefix_paused"
}

// MessageAttempted says that an attempt was claimed. It is committed before the
// provider is called, so that a crash leaves a doubt and never a second text.
type MessageAttempted struct {
	Attempt   int    `json:"attempt"`    // 1 for the first
	AttemptID string `json:"attempt_id"` // from stream and attempt; the provider call carries it
	Provider  string `json:"provider"`   // its name in the configuration: "twilio"
}

// MessageDispatched says that the provider accepted the text.
type MessageDispatched struct {
	Attempt           int    `json:"attempt"`
	Provider          string `json:"provider"`
	ProviderMessageID string `json:"provider_message_id"`
	ProviderStatus    string `json:"provider_status,omitempty"`
	// ProviderRequestID is what the provider calls the call, for questions to its support.
	ProviderRequestID string `json:"provider_request_id,omitempty"`
}

// MessageFailed says that an attempt was certainly not sent.
type MessageFailed struct {
	Attempt    int    `json:"attempt"`
	Provider   string `json:"provider"`
	Class      string `json:"class"`                 // domain.Class
	Code       string `json:"code,omitempty"`        // the provider's code
	HTTPStatus int    `json:"http_status,omitempty"` // 0: no answer
	Detail     string `json:"detail,omitempty"`      // free of numbers and bodies
	// RetryAfter is the provider's wish, where another one tried first.
	RetryAfter Duration `json:"retry_after,omitempty"`
	// ProviderRequestID is what the provider calls the call, for questions to its support.
	ProviderRequestID string `json:"provider_request_id,omitempty"`
}

// MessageRetried says that another attempt is scheduled.
type MessageRetried struct {
	Attempt int       `json:"attempt"` // the coming one
	Delay   Duration  `json:"delay"`   // from this event to due_at
	DueAt   time.Time `json:"due_at"`
}

// MessageInDoubt says that the outcome of an attempt is unknown: it may have been sent.
type MessageInDoubt struct {
	Attempt  int    `json:"attempt"`
	Provider string `json:"provider"`
	Cause    string `json:"cause"` // "timeout", "http_503", "connection_lost", "unreadable_answer", "crash", "restored"
	// ProviderRequestID is what the provider calls the call, for questions to its support.
	ProviderRequestID string `json:"provider_request_id,omitempty"`
}

// MessageReconciled says what came of a doubt.
type MessageReconciled struct {
	Attempt           int    `json:"attempt"`
	Outcome           string `json:"outcome"` // "sent", "not_sent", "unknown"
	ProviderMessageID string `json:"provider_message_id,omitempty"`
	Evidence          string `json:"evidence,omitempty"` // "receipt", "response", "lookup", "no_trace", "operator"
}

// MessageDeadLettered says that Pro-SMS has given up until an operator decides otherwise.
type MessageDeadLettered struct {
	Reason   string `json:"reason"` // "exhausted", "permanent", "in_doubt", "poison", "erased"
	Attempts int    `json:"attempts"`
	Class    string `json:"class,omitempty"` // of the last error
	Code     string `json:"code,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// MessageRedriven says that an operator sends a dead letter again.
type MessageRedriven struct {
	By       string `json:"by"`
	Reason   string `json:"reason"`
	ReplayID string `json:"replay_id"`
	InDoubt  bool   `json:"in_doubt,omitempty"` // it may have been sent, and is sent again all the same
}

// MessageDiscarded says that a dead letter stays one: nobody need look at it again.
type MessageDiscarded struct {
	By         string `json:"by"`
	Reason     string `json:"reason"`
	ReplacedBy string `json:"replaced_by,omitempty"` // the message that is sent in its place
}

// MessageOptedOut says that the text is suppressed: the recipient wants none.
type MessageOptedOut struct {
	Source string `json:"source"` // "consent" or "provider"
}

// MessageDelivered is the provider's word that the handset has it.
type MessageDelivered struct {
	ProviderStatus string    `json:"provider_status"`
	ErrorCode      string    `json:"error_code,omitempty"` // of a provider that gives one all the same
	At             time.Time `json:"at"`                   // when the receipt reached us
}

// MessageUndelivered is the provider's word that the handset will not get it.
type MessageUndelivered struct {
	ProviderStatus string    `json:"provider_status"` // "undelivered", "failed", "canceled"
	ErrorCode      string    `json:"error_code,omitempty"`
	At             time.Time `json:"at"`
}

// MessageCanceled says that it was called back before any claim.
type MessageCanceled struct {
	By string `json:"by"`
}

// MessageExpired says that expires_at passed before any claim.
type MessageExpired struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// MessageReceiptIgnored records a receipt that changes nothing: late, repeated or regressing.
type MessageReceiptIgnored struct {
	ProviderStatus    string `json:"provider_status"`
	ProviderMessageID string `json:"provider_message_id,omitempty"`
	ErrorCode         string `json:"error_code,omitempty"`
	Reason            string `json:"reason"` // "final", "unknown_attempt", "duplicate_send", "other_provider_message"
}

// MessageRedacted says that the provider no longer keeps what a text said. It may
// come after the end of a message, and more than once where it was sent twice.
type MessageRedacted struct {
	Provider          string `json:"provider"`
	ProviderMessageID string `json:"provider_message_id"`
	What              string `json:"what"` // "body", or "record": the numbers with it
}

// MessageRedactionFailed says that the provider keeps it all the same, after all
// tries, so that somebody has to see to it there.
type MessageRedactionFailed struct {
	Provider          string `json:"provider"`
	ProviderMessageID string `json:"provider_message_id"`
	What              string `json:"what"`
	Code              string `json:"code,omitempty"`        // the provider's code
	HTTPStatus        int    `json:"http_status,omitempty"` // 0: no answer
}

func (MessageAccepted) EventType() string        { return "message.accepted" }
func (MessageDeferred) EventType() string        { return "message.deferred" }
func (MessageAttempted) EventType() string       { return "message.attempted" }
func (MessageRedacted) EventType() string        { return "message.redacted" }
func (MessageRedactionFailed) EventType() string { return "message.redaction_failed" }
func (MessageDispatched) EventType() string      { return "message.dispatched" }
func (MessageFailed) EventType() string          { return "message.failed" }
func (MessageRetried) EventType() string         { return "message.retried" }
func (MessageInDoubt) EventType() string         { return "message.in_doubt" }
func (MessageReconciled) EventType() string      { return "message.reconciled" }
func (MessageDeadLettered) EventType() string    { return "message.dead_lettered" }
func (MessageRedriven) EventType() string        { return "message.redriven" }
func (MessageDiscarded) EventType() string       { return "message.discarded" }
func (MessageOptedOut) EventType() string        { return "message.opted_out" }
func (MessageDelivered) EventType() string       { return "message.delivered" }
func (MessageUndelivered) EventType() string     { return "message.undelivered" }
func (MessageCanceled) EventType() string        { return "message.canceled" }
func (MessageExpired) EventType() string         { return "message.expired" }
func (MessageReceiptIgnored) EventType() string  { return "message.receipt_ignored" }
