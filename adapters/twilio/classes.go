package twilio

import (
	_ "embed" // for errorClasses
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/pro-sms/prosms/domain"
)

// errorClasses lists Twilio's error codes as of API 2010-04-01:
// code, phase, class, action and note, with a heading.
//
//go:embed error-classes.csv
var errorClasses string

// class is what an error code in answer to a create means.
type class struct {
	class domain.Class
	note  string // in our words, free of numbers and bodies
}

// classes says what error codes mean, by code.
type classes map[int]class

// actions maps what error-classes.csv asks for to our classes. What is not listed
// is permanent: a 4xx whose code we do not know was refused for a reason that
// another try does not remove.
var actions = map[string]domain.Class{
	"opt_out":                 domain.ClassOptedOut,
	"open_breaker":            domain.ClassProviderWide,
	"pause_sender":            domain.ClassSender,
	"retry_backoff":           domain.ClassThrottled,
	"pause_until_pt_midnight": domain.ClassThrottled,
	"pause_until_reset":       domain.ClassThrottled,
	"retry_later":             domain.ClassThrottled,
	"fail_failover":           domain.ClassUnroutable,
	"retry_once":              domain.ClassNotSent,
	"retry_limited":           domain.ClassNotSent,
	"reschedule":              domain.ClassNotSent,
	"reconcile":               domain.ClassInDoubt,
	"retry_if_duplicate_ok":   domain.ClassInDoubt,
}

// Explain says what an error code of Twilio's means, in our words; empty where we do
// not know it.
func (p *Provider) Explain(code string) string {
	number, err := strconv.Atoi(code)
	if err != nil || number == 0 {
		return ""
	}
	means, _, _ := strings.Cut(p.classes[number].note, ";") // after it comes what to do about it
	return means
}

func parseClasses(table string) (classes, error) {
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading error classes: %w", err)
	}
	found := make(classes, len(rows))
	for _, row := range rows[1:] {
		code, err := strconv.Atoi(row[0])
		if err != nil {
			return nil, fmt.Errorf("reading error classes: %w", err)
		}
		c, ok := actions[row[3]]
		if !ok {
			c = domain.ClassPermanent
		}
		found[code] = class{class: c, note: row[4]}
	}
	return found, nil
}
