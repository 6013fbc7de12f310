package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// positive reads a whole number, and refuses one below 1 or beyond 9 digits.
func (d *decoder) positive(n *int) error {
	d.next()
	negative := d.at < len(d.data) && d.data[d.at] == '-'
	if negative {
		d.at++
	}
	start := d.at
	for ; d.at < len(d.data) && d.data[d.at] >= '0' && d.data[d.at] <= '9'; d.at++ {
		if d.at-start < 9 {
			*n = *n*10 + int(d.data[d.at]-'0')
		}
	}
	switch {
	case d.at == start || d.at < len(d.data) && !ends(d.data[d.at]):
		return wrongType("a whole number")
	case d.lax:
	case negative || *n == 0 || d.at-start > 9:
		return unprocessable(commands.CodeInvalidValue, "a whole number from 1 to 999,999,999")
	case d.data[start] == '0':
		return d.malformed()
	}
	return nil
}

// ends reports whether a scalar cannot go on with c.
func ends(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// time reads an RFC 3339 time.
func (d *decoder) time(t *time.Time) error {
	var text string
	if err := d.option(&text); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil && !d.lax {
		return unprocessable(commands.CodeInvalidDate, "an RFC 3339 date and time with its offset")
	}
	*t = at.UTC()
	return nil
}

// unprocessable refuses a value that can be read, but not be meant.
func unprocessable(code, detail string) *refusal {
	r := refused(code, detail)
	r.status, r.detail = http.StatusUnprocessableEntity, "The request cannot be carried out as it is."
	return r
}
