package twilio

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/ports"
)

// trialPrefix stands before every text that a trial account sends.
const trialPrefix = "Sent from your Twilio trial account - "

// Slack around the time in which an attempt can have been accepted.
const (
	slackBefore = 5 * time.Second  // Twilio's times are cut to whole seconds
	slackAfter  = 30 * time.Second // a create may be taken on after we gave it up
)

// matcher collects what may be the attempt among listed messages.
type matcher struct {
	attempt ports.Lookup
	config  Config

	seen     map[string]bool
	exact    []candidate // same body
	redacted []candidate // body erased meanwhile
	past     bool        // the list has gone back beyond the window
	blurred  bool        // one that fits could not be read
}

type candidate struct {
	sid     string
	created time.Time
}

// window is the time in which an attempt can have been accepted, by Twilio's clock.
type window struct{ from, to time.Time }

func newMatcher(c Config, attempt ports.Lookup) *matcher {
	return &matcher{attempt: attempt, config: c, seen: map[string]bool{}}
}

// window returns the attempt's window, widened by what the answer's Date shows our
// clock to be wrong: a missed match is a second text, a false one must still have
// the same body, sender and recipient.
func (m *matcher) window(h http.Header) window {
	w := window{
		from: m.attempt.AttemptedAt.Add(-slackBefore),
		to:   m.attempt.AttemptedAt.Add(m.config.Timeout + slackAfter),
	}
	if m.attempt.Until.After(m.attempt.AttemptedAt) {
		w.to = m.attempt.Until.Add(m.config.Timeout + slackAfter)
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		skew := date.Sub(m.config.Now())
		w.from, w.to = w.from.Add(min(skew, 0)), w.to.Add(max(skew, 0))
	}
	return w
}

// see takes in a page. The list is said to be newest first, but not by which of its
// times, so that only a page wholly before the window ends the search.
func (m *matcher) see(page []openapi.ApiV2010Message, w window) {
	m.past = len(page) > 0
	for _, message := range page {
		created, err := time.Parse(time.RFC1123Z, value(message.DateCreated))
		if err != nil || !created.Before(w.from) {
			m.past = false
		}
		sid := value(message.Sid)
		if m.seen[sid] || !m.fits(message) {
			continue
		}
		if err != nil || !messageSID.MatchString(sid) {
			m.blurred = true
			continue
		}
		m.seen[sid] = true
		if created.Before(w.from) || created.After(w.to) || m.bound(sid) {
			continue
		}
		if value(message.Body) == "" {
			m.redacted = append(m.redacted, candidate{sid, created})
		} else {
			m.exact = append(m.exact, candidate{sid, created})
		}
	}
}

// fits compares what does not depend on time: direction, recipient, sender, body.
func (m *matcher) fits(message openapi.ApiV2010Message) bool {
	body := value(message.Body)
	return value(message.Direction) == "outbound-api" &&
		value(message.To) == string(m.attempt.To) &&
		m.sentBy(message) &&
		(body == "" || body == string(m.attempt.Body) || body == trialPrefix+string(m.attempt.Body))
}

// sentBy reports whether the sender is the attempt's. The default is either of
// those configured, since which one holds may have changed since the attempt.
func (m *matcher) sentBy(message openapi.ApiV2010Message) bool {
	from, service := value(message.From), value(message.MessagingServiceSid)
	if m.attempt.From != "" {
		return from == string(m.attempt.From)
	}
	return m.config.MessagingServiceSID != "" && service == m.config.MessagingServiceSID ||
		m.config.From != "" && from == m.config.From
}

func (m *matcher) bound(sid string) bool { return m.attempt.Bound != nil && m.attempt.Bound(sid) }

// found decides. Identical texts to one number cannot be told apart, so the
// earliest is taken; an erased body is weaker evidence and must be the only one.
func (m *matcher) found() (ports.Found, error) {
	slices.SortFunc(m.exact, func(a, b candidate) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.sid, b.sid))
	})
	switch {
	case len(m.exact) > 0:
		return ports.Found{ProviderMessageID: m.exact[0].sid, Ambiguous: len(m.exact) > 1}, nil
	case m.blurred, len(m.redacted) > 1:
		return ports.Found{}, errUnreadable
	case len(m.redacted) == 1:
		return ports.Found{ProviderMessageID: m.redacted[0].sid, Ambiguous: true}, nil
	}
	return ports.Found{}, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
