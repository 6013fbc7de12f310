package verify

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// id stands for a stream or another long name: the maps hold one for each.
type id [16]byte

func idOf(parts ...string) id {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return id(sum[:16])
}

// text is what is kept of one message.
type text struct {
	status     domain.Status
	attempt    int32
	driveStart int32
	due        int64 // Unix time; 0: none
	since      int64 // Unix time at which it reached its status
	consent    id
	sent       id    // the first provider message that it is known as; zero: none
	provider   uint8 // of the last attempt
	decided    bool  // the log holds a decision to send what may have been sent
}

// texts checks G1, G3, G4, G5 and G7 along the log.
type texts struct {
	report     *Report
	maxRetries int
	patience   time.Duration
	now        time.Time

	versions  map[id]int32 // of every stream
	texts     map[id]text
	names     map[id]string // of messages that are not at their end, for the report
	bound     map[id]id     // provider messages to messages
	optedOut  map[id]id     // consent streams, with the event of the opt-out as a cause
	confirms  map[id]id     // by opt-out, the one text that confirms it and is not blocked by it
	providers map[string]uint8
	open      map[string]bool // providers whose breaker is open
}

func newTexts(report *Report, o Options) *texts {
	t := &texts{
		report: report, maxRetries: o.MaxRetries, patience: o.Patience, now: o.Now,
		versions: map[id]int32{}, texts: map[id]text{}, names: map[id]string{}, bound: map[id]id{},
		optedOut: map[id]id{}, confirms: map[id]id{}, providers: map[string]uint8{}, open: map[string]bool{},
	}
	if t.patience == 0 {
		t.patience = time.Hour
	}
	if t.now.IsZero() {
		t.now = time.Now()
	}
	return t
}

// follow checks one event against all before it.
func (t *texts) follow(e events.Recorded) {
	stream := idOf(e.StreamID)
	if want := int(t.versions[stream]) + 1; e.Version != want {
		t.found("G2", e, "version %d of its stream, want %d", e.Version, want)
	}
	t.versions[stream] = int32(e.Version)
	switch d := e.Data.(type) {
	case events.ConsentOptedOut:
		t.optedOut[stream] = idOf(fmt.Sprintf("%s:%d", e.StreamID, e.Version))
	case events.ConsentOptedIn:
		delete(t.optedOut, stream)
	case events.ReceiptUnknown:
		t.report.Unknown++
	case events.BreakerOpened:
		t.open[d.Provider] = true
	case events.BreakerClosed:
		delete(t.open, d.Provider)
	}
	if strings.HasPrefix(e.Type, "message.") && !e.Detached() {
		t.message(stream, e)
	}
}

func (t *texts) message(stream id, e events.Recorded) {
	m, known := t.texts[stream]
	switch d := e.Data.(type) {
	case events.MessageAccepted:
		if known {
			t.found("G7", e, "accepted a second time: one message stands for an idempotency key")
		}
		m.consent = idOf(d.Consent)
		if cause := idOf(e.Meta.CausationID); t.optedOut[m.consent] == cause && t.confirms[cause] == (id{}) {
			t.confirms[cause] = stream
		}
	case events.MessageAttempted:
		m = t.attempted(m, e, d)
	case events.MessageDispatched:
		m = t.sent(stream, m, e, d.ProviderMessageID)
	case events.MessageReconciled:
		if d.Outcome == domain.OutcomeSent {
			m = t.sent(stream, m, e, d.ProviderMessageID)
		} else {
			m.decided = true
		}
	case events.MessageReceiptIgnored:
		if d.Reason == "duplicate_send" {
			m = t.sent(stream, m, e, d.ProviderMessageID)
		}
	case events.MessageRedriven:
		m.decided = true
	}
	if !known && e.Type != "message.accepted" {
		t.found("G1", e, "nothing was accepted before")
	}
	t.texts[stream] = t.evolve(stream, m, e)
}

// evolve lets the domain say where e takes the message.
func (t *texts) evolve(stream id, m text, e events.Recorded) text {
	before := domain.Message{Status: m.status, Attempt: int(m.attempt), DriveStart: int(m.driveStart)}
	if m.due != 0 {
		before.DueAt = time.Unix(m.due, 0)
	}
	after := before.Evolve(e.Data)
	if before.Final() && before.Status != domain.DeadLettered && after.Status != before.Status {
		t.found("G1", e, "a text that was %s became %s", before.Status, after.Status)
	}
	if after.Status != before.Status {
		m.since = e.RecordedAt.Unix()
	}
	m.status, m.attempt, m.driveStart, m.due = after.Status, int32(after.Attempt), int32(after.DriveStart), 0
	if !after.DueAt.IsZero() {
		m.due = after.DueAt.Unix()
	}
	if after.Final() {
		delete(t.names, stream)
	} else {
		t.names[stream] = e.StreamID
	}
	return m
}

// attempted checks a claim.
func (t *texts) attempted(m text, e events.Recorded, d events.MessageAttempted) text {
	if want := int(m.attempt) + 1; d.Attempt != want {
		t.found("G5", e, "attempt %d, want %d", d.Attempt, want)
	}
	if n := d.Attempt - int(m.driveStart); n > t.maxRetries+1 {
		t.found("G5", e, "attempt %d of one drive, at most %d are configured", n, t.maxRetries+1)
	}
	if !(domain.Message{Status: m.status}).Waiting() {
		t.found("G3", e, "claimed while the text was %s", m.status)
	}
	if out, ok := t.optedOut[m.consent]; ok && t.confirms[out] != idOf(e.StreamID) {
		t.found("G4", e, "claimed after the recipient's opt-out")
	}
	if _, ok := t.providers[d.Provider]; !ok {
		t.providers[d.Provider] = uint8(len(t.providers))
	}
	m.provider = t.providers[d.Provider]
	return m
}

// sent checks the proof that a provider has taken the text on.
func (t *texts) sent(stream id, m text, e events.Recorded, providerMessageID string) text {
	if providerMessageID == "" {
		return m
	}
	proof := idOf(string(rune(m.provider)), providerMessageID)
	switch {
	case m.sent == id{}:
		m.sent = proof
	case m.sent == proof:
	case m.decided:
		t.report.Resent++
	default:
		t.found("G3", e, "taken on by a provider a second time, without a decision in the log")
	}
	if other, ok := t.bound[proof]; ok && other != stream {
		t.found("G3", e, "the provider's message is known as another text's")
	}
	t.bound[proof] = stream
	return m
}

func (t *texts) found(guarantee string, e events.Recorded, format string, args ...any) {
	t.report.Add(Finding{Guarantee: guarantee, Position: e.Position, Stream: e.StreamID, What: fmt.Sprintf(format, args...)})
}

// end checks what has not reached its end for how long.
func (t *texts) end() {
	t.report.Messages = int64(len(t.texts))
	for stream, m := range t.texts {
		t.report.Statuses[string(m.status)]++
		if waiting := t.waiting(m); waiting > t.patience {
			t.report.Add(Finding{Guarantee: "G1", Stream: t.names[stream],
				What: fmt.Sprintf("%s, and nothing has happened for %s", m.status, waiting.Round(time.Second))})
		}
	}
}

// waiting returns for how long a text has waited without a reason. One that was
// dispatched waits for a receipt, which may never come.
func (t *texts) waiting(m text) time.Duration {
	state := domain.Message{Status: m.status}
	if state.Final() || m.status == domain.Dispatched || state.Waiting() && len(t.open) > 0 {
		return 0
	}
	return t.now.Sub(time.Unix(max(m.since, m.due), 0))
}
