package httpprovider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// Lookup says how an attempt in doubt is looked up. What it asks for must answer
// with all texts that the attempt can be, or with as many as Most says.
//
// Every field that is named below has to fit. Reference alone is enough; without
// it body and created are needed, and texts alike in one time are ambiguous.
type Lookup struct {
	Request      `yaml:",inline"`
	AbsentStatus int    `yaml:"absent_status"` // of an answer that says "no such text", such as 404; 0: none does
	List         string `yaml:"list"`          // path of the list; "": the answer is the list, or the one text
	Most         int    `yaml:"most"`          // entries that an answer shows at most; 0: all

	ID        string `yaml:"id"`        // path, in an entry, of the provider's id; required
	Reference string `yaml:"reference"` // path of the {reference} that the request carried
	To        string `yaml:"to"`        // path of the recipient, with or without +
	Body      string `yaml:"body"`      // path of the body
	Created   string `yaml:"created"`   // path of the time: RFC 3339, RFC 1123 with a numeric zone, or seconds since 1970
}

// The window around an attempt in which the provider can have dated it.
const (
	windowBefore = 5 * time.Second
	windowAfter  = 30 * time.Second // and the timeout
)

// errCrowded says that an answer without the attempt showed only some of the texts.
var errCrowded = errors.New("too many texts to see them all")

func (l Lookup) check() error {
	faults := []error{l.Request.check("lookup", "", http.MethodGet, http.MethodPost)}
	if l.ID == "" {
		faults = append(faults, errors.New("lookup.id: is required"))
	}
	if l.Reference == "" && (l.Body == "" || l.Created == "") {
		faults = append(faults, errors.New("lookup: needs reference, or body and created"))
	}
	if l.Most < 0 {
		faults = append(faults, errors.New("lookup.most: must not be negative"))
	}
	if l.AbsentStatus != 0 && (l.AbsentStatus < 400 || l.AbsentStatus > 499) {
		faults = append(faults, errors.New("lookup.absent_status: from 400 to 499"))
	}
	return errors.Join(faults...)
}

// Find implements ports.Provider.
func (p *Provider) Find(ctx context.Context, attempt ports.Lookup) (ports.Found, error) {
	found, err := p.find(ctx, attempt)
	if err != nil {
		return ports.Found{}, fmt.Errorf("looking up attempt %d at message %s: %w", attempt.Attempt, attempt.MessageID, err)
	}
	return found, nil
}

func (p *Provider) find(ctx context.Context, attempt ports.Lookup) (ports.Found, error) {
	l := p.config.Lookup
	if l == nil {
		return ports.Found{}, ports.ErrNoLookup
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	request, err := p.build(ctx, l.Request, http.MethodGet, p.values(attempt.Text, p.config.Now()))
	if err != nil {
		return ports.Found{}, err
	}
	answer := httpcall.Do(p.client, request)
	switch {
	case answer.Err != nil:
		return ports.Found{}, answer.Err
	case answer.Status == l.AbsentStatus:
		return ports.Found{}, nil
	case answer.Status != http.StatusOK:
		return ports.Found{}, fmt.Errorf("http status %d", answer.Status)
	}
	entries, err := l.entries(answer.Body)
	if err != nil {
		return ports.Found{}, err
	}
	return p.pick(entries, attempt, p.skew(answer.Header))
}

// entries returns the texts of an answer. An answer without the list is no empty one.
func (l Lookup) entries(body []byte) ([]document, error) {
	answer, err := readJSON(body)
	if err != nil {
		return nil, err
	}
	at, ok := answer.at(l.List)
	if !ok {
		return nil, errUnreadable
	}
	list, ok := at.root.([]any)
	if !ok {
		if l.List != "" {
			return nil, errUnreadable
		}
		return []document{at}, nil
	}
	entries := make([]document, len(list))
	for i, entry := range list {
		entries[i] = document{entry}
	}
	return entries, nil
}

// match is an entry that can be the attempt.
type match struct {
	id      string
	created time.Time
}

// pick returns the earliest entry that can only be the attempt.
func (p *Provider) pick(entries []document, attempt ports.Lookup, skew time.Duration) (ports.Found, error) {
	var matches []match
	for _, entry := range entries {
		m, fits, err := p.fits(entry, attempt, skew)
		if err != nil {
			return ports.Found{}, err
		}
		if fits && !attempt.Bound(m.id) {
			matches = append(matches, m)
		}
	}
	if len(matches) == 0 {
		if most := p.config.Lookup.Most; most > 0 && len(entries) >= most {
			return ports.Found{}, errCrowded
		}
		return ports.Found{}, nil
	}
	earliest := slices.MinFunc(matches, func(a, b match) int { return a.created.Compare(b.created) })
	return ports.Found{ProviderMessageID: earliest.id, Ambiguous: len(matches) > 1}, nil
}

// fits compares an entry with the attempt by all that the configuration names. An
// entry that lacks any of it could be the attempt for all we know.
func (p *Provider) fits(entry document, attempt ports.Lookup, skew time.Duration) (match, bool, error) {
	l := p.config.Lookup
	m := match{id: entry.word(l.ID, idWord)}
	if m.id == "" {
		return m, false, errUnreadable
	}
	for _, field := range []struct{ path, want string }{
		{l.Reference, reference(attempt.Text)},
		{l.To, strings.TrimPrefix(string(attempt.To), "+")},
		{l.Body, string(attempt.Body)},
	} {
		if field.path == "" {
			continue
		}
		got := entry.text(field.path)
		if _, there := entry.at(field.path); !there {
			return m, false, errUnreadable
		}
		if field.path == l.To {
			got = strings.TrimPrefix(got, "+")
		}
		if got != field.want {
			return m, false, nil
		}
	}
	if l.Created == "" {
		return m, true, nil
	}
	var ok bool
	if m.created, ok = readTime(entry.text(l.Created)); !ok {
		return m, false, errUnreadable
	}
	last := attempt.AttemptedAt
	if attempt.Until.After(last) {
		last = attempt.Until
	}
	from, to := attempt.AttemptedAt.Add(skew-windowBefore), last.Add(skew+p.config.Timeout+windowAfter)
	return m, !m.created.Before(from) && !m.created.After(to), nil
}

// skew is by how much the provider's clock is ahead of ours.
func (p *Provider) skew(h http.Header) time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return date.Sub(p.config.Now()).Round(time.Second)
}

func readTime(value string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Unix(seconds, 0), true
	}
	for _, layout := range []string{time.RFC3339, time.RFC1123Z} {
		if at, err := time.Parse(layout, value); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
