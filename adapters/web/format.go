package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// functions are what templates can call.
var functions = template.FuncMap{
	"ago":          ago,
	"utc":          func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") },
	"clock":        clock,
	"iso":          func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"count":        count,
	"meaning":      meaning,
	"tone":         tone,
	"words":        words,
	"number":       number,
	"body":         body,
	"short":        short,
	"clip":         clip,
	"link":         link,
	"span":         span,
	"spark":        spark,
	"withoutQuery": withoutQuery,
	"dict":         dict,
	"queryPairs":   queryPairs,
	"millis":       func(ms int64) string { return span(time.Duration(ms) * time.Millisecond) },
	"join":         strings.Join,
	"pick":         func(v visit, personal any) shown { return shown{v, fmt.Sprint(personal)} },
}

// dict makes one value of names and values, for a template inside another.
func dict(pairs ...any) map[string]any {
	d := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		d[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return d
}

// link is a path with a query and further parameters.
func link(path, query string, more ...string) string {
	values, _ := url.ParseQuery(query) // of our own making
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// queryPairs takes a query apart, for a form that keeps it.
func queryPairs(query string) []Fact {
	values, _ := url.ParseQuery(query) // of our own making
	var pairs []Fact
	for _, name := range slices.Sorted(maps.Keys(values)) {
		pairs = append(pairs, Fact{name, values.Get(name)})
	}
	return pairs
}

// shown is something personal with who looks at it.
type shown struct {
	Me    visit
	Value string
}

// ago says how long before now t was, or how long until it comes.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		return "in " + span(-d)
	}
	if d < time.Second {
		return "just now"
	}
	return span(d) + " ago"
}

// clock is the time of day in UTC, with its date where that is not today's.
func clock(now, t time.Time) string {
	if now.UTC().Format(time.DateOnly) == t.UTC().Format(time.DateOnly) {
		return t.UTC().Format("15:04:05.000 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// span is a duration in the one unit that says most.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond && d > 0:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// count groups the digits of a number.
func count(n any) string {
	digits := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// tone is the colour of a status; the word always stands beside it.
func tone(status string) string {
	switch status {
	case "completed", "delivered", "ok", "closed", "sent":
		return "good"
	case "dispatched", "dispatching", "accepted", "attempted", "pending", "running", "redriven":
		return "info"
	case "retrying", "retried", "deferred", "scheduled", "half_open", "half_opened", "not_sent", "paused", "skipped":
		return "warn"
	case "in_doubt", "unknown":
		return "doubt"
	case "undelivered", "dead_lettered", "failed", "redaction_failed", "open", "opened", "revoked", "key.revoked", "operator.removed", "breaker.opened", "fuse.blown":
		return "bad"
	}
	return "calm"
}

func words(status string) string { return strings.ReplaceAll(status, "_", " ") }

// number shows a phone number to who may see it, and its two last digits to others.
func number(s shown) string {
	if s.Me.Sees() || s.Value == "" {
		return s.Value
	}
	tail := s.Value[max(0, len(s.Value)-2):]
	return "•••• " + tail
}

// body shows a text to who may see it, and its length to others.
func body(s shown) string {
	if s.Me.Sees() || s.Value == "" {
		return s.Value
	}
	return "•••• " + strconv.Itoa(utf8.RuneCountInString(s.Value)) + " characters"
}

// short is enough of an id to tell it apart.
func short(id string) string {
	if len(id) <= 16 {
		return id
	}
	return id[:8] + "…" + id[len(id)-6:]
}

// clip cuts a text to n characters.
func clip(n int, s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}

// personalKeys are the fields of events that a viewer does not see, and secretKeys
// those that nobody does.
var (
	personalKeys = map[string]bool{"to": true, "from": true, "body": true, "number": true}
	secretKeys   = map[string]bool{"password": true, "token": true, "hash": true}
)

// pretty indents stored JSON, without what v may not see. Order is that of the
// names once something had to be hidden.
func pretty(v visit, raw json.RawMessage) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err == nil {
		hidden := false
		for name := range fields {
			if secretKeys[name] || personalKeys[name] && !v.Sees() {
				fields[name], hidden = json.RawMessage(`"••••"`), true
			}
		}
		if hidden {
			raw, _ = json.Marshal(fields) // of what was read as JSON
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return "unreadable"
	}
	return out.String()
}
