package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"strconv"
	"time"
)

// Message is a text that the sandbox has accepted.
type Message struct {
	SID        string    `json:"sid"`
	To         string    `json:"to"`
	From       string    `json:"from,omitempty"`
	Service    string    `json:"service,omitempty"` // Messaging Service, in place of From
	Body       string    `json:"body"`
	Callback   string    `json:"callback,omitempty"` // StatusCallback, with its fragment
	MessageID  string    `json:"m,omitempty"`        // of the callback's query: the sender's own id
	Attempt    int       `json:"a,omitempty"`        // likewise
	AcceptedAt time.Time `json:"accepted_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Status     string    `json:"status"`
	ErrorCode  int       `json:"error_code,omitempty"`

	Finished bool `json:"finished,omitempty"` // no status is to come
	Deleted  bool `json:"deleted,omitempty"`  // through the API: it is listed no more, but was accepted all the same
}

// over reports whether m is final: that includes one that stays sent, as Twilio has those
// of carriers that say nothing of delivery.
func (m *Message) over() bool { return final(m.Status) || m.Finished }

// newSID returns a message's name, as long and as random as Twilio's.
func newSID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // cannot fail: crypto/rand
	return "SM" + hex.EncodeToString(b[:])
}

// reference reads the sender's own names out of a callback's query.
func reference(callback string) (messageID string, attempt int) {
	u, err := url.Parse(callback)
	if err != nil {
		return "", 0
	}
	q := u.Query()
	attempt, _ = strconv.Atoi(q.Get("a"))
	return q.Get("m"), attempt
}

// ranks orders the statuses; a message only ever moves to a greater one.
var ranks = map[string]int{
	"scheduled": 0, "accepted": 1, "queued": 2, "sending": 3, "sent": 4,
	"delivered": 5, "undelivered": 5, "failed": 5, "canceled": 5, "read": 6,
}

func final(status string) bool { return ranks[status] >= ranks["delivered"] }
