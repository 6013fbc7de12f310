package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// positive reads a whole number from 1 on.
func (d *decoder) positive(n *int) error {
	d.next()
	start := d.at
	for ; d.at < len(d.data) && d.data[d.at] >= '0' && d.data[d.at] <= '9' && d.at-start < 9; d.at++ {
		*n = *n*10 + int(d.data[d.at]-'0')
	}
	if d.at == start || d.data[start] == '0' || d.at < len(d.data) && !ends(d.data[d.at]) {
		return wrongType("a whole number from 1 on")
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
	if err != nil {
		r := refused(commands.CodeInvalidDate, "an RFC 3339 date and time with its offset")
		r.status, r.detail = http.StatusUnprocessableEntity, "The request cannot be carried out as it is."
		return r
	}
	*t = at.UTC()
	return nil
}
