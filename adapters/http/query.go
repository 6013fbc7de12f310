package api

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pro-sms/prosms/commands"
)

// query reads the parameters of a request and keeps the first thing wrong.
type query struct {
	values url.Values
	err    error
}

// readQuery refuses parameters that are not among known, that stand twice, or
// that cannot be read: a filter with a typing error must not select everything.
func readQuery(r *http.Request, known ...string) *query {
	q := &query{}
	if q.values, q.err = url.ParseQuery(r.URL.RawQuery); q.err != nil {
		q.err = badQuery("", "invalid_query", "the query cannot be read")
		return q
	}
	left := len(q.values)
	for _, name := range known {
		switch len(q.values[name]) {
		case 0:
			continue
		case 1:
		default:
			q.refuse(name, "duplicate_parameter", "may stand once")
		}
		left--
	}
	if left > 0 {
		q.refuse("", "unknown_parameter", "the query has a parameter that is not in the contract; those that are: "+cmp.Or(strings.Join(known, ", "), "none"))
	}
	return q
}

func (q *query) refuse(name, code, detail string) {
	if q.err == nil {
		q.err = badQuery(name, code, detail)
	}
}

func badQuery(name, code, detail string) error {
	f := &fault{In: "query", Code: code, Detail: detail}
	if name != "" {
		f.Pointer = "/" + name
	}
	return &refusal{status: http.StatusBadRequest, code: code, detail: "The query cannot be read.", fault: f}
}

// has reports whether a parameter is there; an empty one is refused.
func (q *query) has(name string) bool {
	if !q.values.Has(name) {
		return false
	}
	if q.values.Get(name) == "" {
		q.refuse(name, commands.CodeInvalidValue, "leave it out, or give it a value")
		return false
	}
	return true
}

// text returns a parameter; empty where it is not there.
func (q *query) text(name string) string {
	if !q.has(name) {
		return ""
	}
	return q.values.Get(name)
}

// parseTime reads an RFC 3339 time. An unescaped "+" before its offset arrives as
// a space, which has no other place in it.
func parseTime(value string) (time.Time, error) {
	return time.Parse(time.RFC3339, strings.Replace(value, " ", "+", 1))
}

// printable returns a parameter that must be text which can have been stored.
func (q *query) printable(name string) string {
	value := q.text(name)
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		q.refuse(name, commands.CodeInvalidValue, "printable characters in UTF-8")
	}
	return value
}

// oneOf returns a parameter that must be among words.
func oneOf[W ~string](q *query, name string, words []W) string {
	value := q.text(name)
	if value == "" {
		return ""
	}
	names := make([]string, len(words))
	for i, w := range words {
		if names[i] = string(w); names[i] == value {
			return value
		}
	}
	q.refuse(name, commands.CodeInvalidValue, "one of "+strings.Join(names, ", "))
	return ""
}

// time returns a parameter that must be an RFC 3339 time.
func (q *query) time(name string) time.Time {
	if !q.has(name) {
		return time.Time{}
	}
	at, err := parseTime(q.values.Get(name))
	if err != nil {
		q.refuse(name, commands.CodeInvalidDate, "an RFC 3339 date and time with its offset")
	}
	return at.UTC()
}

// limit returns how many rows a page may have: 1 to 100, 20 where nothing is said.
func (q *query) limit() int {
	const byDefault, most = 20, 100
	if !q.has("limit") {
		return byDefault
	}
	limit, err := strconv.Atoi(q.values.Get("limit"))
	if err != nil || limit < 1 || limit > most {
		q.refuse("limit", commands.CodeInvalidValue, "a number from 1 to 100")
	}
	return limit
}
