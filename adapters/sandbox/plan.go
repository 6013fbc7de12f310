package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// course is what is still to happen to a message.
type course struct {
	sid   string
	steps []Step
	delay time.Duration // before each step

	url            string // called back with each step, without the fragment; "" means none
	drop           bool
	wrongSignature bool
	retry          retry
	tries          int // made at the first of steps
	begun          time.Time
}

// retry is what the fragment of a callback URL asks for.
type retry struct {
	count int    // repeats at the most
	on    string // "ct" no connection, "4xx", "5xx", "rt" no answer, "all"
}

// plan returns the course of a message that was just taken on: the usual one, which
// depends on the recipient, or the scripted one.
func plan(m Message, c *Callbacks, delay time.Duration) course {
	p := course{sid: m.SID, steps: usualSteps(m), delay: delay}
	p.url, p.retry = callbackURL(m.Callback)
	if c == nil {
		if fault, ok := magicFault(m.To, m.Attempt); ok {
			c = fault.Callbacks
		}
	}
	if c == nil {
		return p
	}
	if len(c.Steps) > 0 {
		p.steps = slices.Clone(c.Steps)
	}
	if c.Delay != nil {
		p.delay = time.Duration(*c.Delay)
	}
	if c.Duplicate {
		twice := make([]Step, 0, 2*len(p.steps))
		for _, step := range p.steps {
			twice = append(twice, step, step)
		}
		p.steps = twice
	}
	if c.Reorder {
		slices.Reverse(p.steps)
	}
	p.drop, p.wrongSignature = c.Drop, c.WrongSignature
	return p
}

// usualSteps leave out the status that the create was answered with, which Twilio
// does not call back for.
func usualSteps(m Message) []Step {
	steps := []Step{{Status: "sent"}, ending(m.To)}
	if steps[1].Status == "failed" {
		steps = steps[1:] // never left Twilio
	}
	if m.Service != "" {
		steps = append([]Step{{Status: "queued"}}, steps...)
	}
	return steps
}

// callbackURL splits a StatusCallback into what is requested, and signed, and how
// often. Without options Twilio repeats once, if it could not connect.
func callbackURL(raw string) (string, retry) {
	target, fragment, _ := strings.Cut(raw, "#")
	options, _ := url.ParseQuery(fragment)
	r := retry{count: 1, on: "ct"}
	if n, err := strconv.Atoi(options.Get("rc")); err == nil && n >= 0 && n <= 5 {
		r.count = n
	}
	if on := options.Get("rp"); on != "" {
		r.on = on
	}
	return target, r
}

// again reports whether a callback that ended so is repeated. status is 0 where
// there was no answer, and connected says whether there was a connection.
func (r retry) again(tries, status int, connected bool) bool {
	if tries > r.count {
		return false
	}
	switch {
	case r.on == "all":
		return true
	case status == 0 && connected:
		return r.on == "rt"
	case status == 0:
		return r.on == "ct"
	}
	return r.on == strconv.Itoa(status/100)+"xx"
}
