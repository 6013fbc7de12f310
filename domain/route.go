package domain

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Route says which texts a provider may take.
type Route struct {
	Provider string
	Prefix   string // of the recipient's number, "+44"; empty: any
	Lane     Lane   // empty: any
	Priority int    // the lowest goes first
	Weight   int    // share among equal priorities; 0 takes no new texts
}

// Candidates returns the providers that may take a text, best first and each
// once. Only the routes that fit it most closely count: those of the longest
// prefix, and of them those that name its lane, if any does. Chance is seed's: the
// same seed gives the same order, and over many seeds each provider of a priority
// leads as often as its weight says.
func Candidates(routes []Route, text events.MessageAccepted, seed string) []string {
	var fits []Route
	closest := -1
	for _, r := range routes {
		switch {
		case r.Weight <= 0, !strings.HasPrefix(string(text.To), r.Prefix), r.Lane != "" && r.Lane != Lane(text.Lane):
			continue
		case r.closeness() > closest:
			closest, fits = r.closeness(), fits[:0]
		case r.closeness() < closest:
			continue
		}
		fits = append(fits, r)
	}
	slices.SortStableFunc(fits, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.draw(seed), b.draw(seed)))
	})
	var names []string
	for _, r := range fits {
		if !slices.Contains(names, r.Provider) {
			names = append(names, r.Provider)
		}
	}
	return names
}

// closeness orders routes by how much they say about a text.
func (r Route) closeness() int {
	if r.Lane == "" {
		return 2 * len(r.Prefix)
	}
	return 2*len(r.Prefix) + 1
}

// draw is r's lot: the lowest goes first, and does so with a likelihood of its
// weight (weighted rendezvous hashing).
func (r Route) draw(seed string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed + "\x00" + r.Provider))
	uniform := (float64(scatter(h.Sum64())>>11) + 0.5) / (1 << 53)
	return -math.Log(uniform) / float64(r.Weight)
}

// scatter spreads a hash over all bits: FNV leaves those of alike seeds alike
// (finalizer of MurmurHash3).
func scatter(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Order returns candidates in the order in which they are to be asked for the
// next attempt: those tried least in this drive first, else as they were. Left out
// are those that cannot reach the recipient, unless that leaves none.
func (m Message) Order(candidates []string) []string {
	able := m.able(candidates)
	if len(able) == 0 { // the routes have changed: let it be said anew
		able = slices.Clone(candidates)
	}
	slices.SortStableFunc(able, func(a, b string) int { return cmp.Compare(m.tried(a), m.tried(b)) })
	return able
}

// able returns those of candidates that are not known to be unable.
func (m Message) able(candidates []string) []string {
	return slices.DeleteFunc(slices.Clone(candidates), func(name string) bool { return slices.Contains(m.unroutable, name) })
}

// untried reports whether a candidate has had no attempt in this drive.
func (m Message) untried(candidates []string) bool {
	return slices.ContainsFunc(m.able(candidates), func(name string) bool { return m.tried(name) == 0 })
}

// tried returns how many attempts of this drive a provider had.
func (m Message) tried(provider string) int {
	n := 0
	for _, name := range m.drive() {
		if name == provider {
			n++
		}
	}
	return n
}

// drive returns the providers of this drive's attempts.
func (m Message) drive() []string { return m.providers[min(m.DriveStart, len(m.providers)):] }

// round returns which delay comes next, 1 for the first. Failing over uses up
// attempts and no delays, so a provider that was new to the drive does not count.
func (m Message) round() int {
	attempts := m.drive()
	distinct := slices.Compact(slices.Sorted(slices.Values(attempts)))
	return len(attempts) - len(distinct) + 1
}

// failOver schedules the next attempt at once, with a provider that has not been
// tried: the delay and the wish are those of the one that failed.
func (m Message) failOver(r Retry, last events.MessageFailed) events.Event {
	switch {
	case m.exhausted(r):
		return m.deadLetter(ReasonExhausted, last)
	case m.expiredAt(r.Now):
		return events.MessageExpired{ExpiresAt: *m.Text.ExpiresAt}
	}
	return events.MessageRetried{Attempt: m.Attempt + 1, DueAt: r.Now}
}

func (m Message) evolveFailed(e events.MessageFailed) Message {
	m.wish = max(m.wish, time.Duration(e.RetryAfter))
	if Class(e.Class) == ClassUnroutable {
		m.unroutable = append(slices.Clip(m.unroutable), e.Provider)
	}
	return m
}
