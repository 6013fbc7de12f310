package httpprovider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// Response says how answers to a send read. Paths lead into their JSON: "id",
// "message.id", "messages.0.id".
//
// Without rules, 2xx with an id is sent, 429 throttled, 401 and 403 provider-wide,
// any other 4xx but 408 permanent, and everything else in doubt.
type Response struct {
	ID     string `yaml:"id"`     // path of the provider's id; required
	Status string `yaml:"status"` // path of its status word
	Code   string `yaml:"code"`   // path of its error code
	Rules  []Rule `yaml:"rules"`  // the first that fits counts, before what is said above
}

// Rule says what an answer means. It fits if both of what it names do.
type Rule struct {
	HTTPStatus int    `yaml:"http_status"` // 0: any
	Code       string `yaml:"code"`        // "": any
	Class      string `yaml:"class"`       // a domain.Class other than sent
	Note       string `yaml:"note"`        // in words for operators; nothing personal
}

// classes are what a rule may name.
var classes = []domain.Class{
	domain.ClassPermanent, domain.ClassOptedOut, domain.ClassThrottled, domain.ClassProviderWide,
	domain.ClassSender, domain.ClassUnroutable, domain.ClassNotSent, domain.ClassInDoubt,
}

func (r Response) check() error {
	var faults []error
	if r.ID == "" {
		faults = append(faults, errors.New("response.id: is required, for without it nothing is known to be sent"))
	}
	for i, rule := range r.Rules {
		at := fmt.Sprintf("response.rules.%d", i)
		switch {
		case !slices.Contains(classes, domain.Class(rule.Class)):
			faults = append(faults, fmt.Errorf("%s.class: one of %v", at, classes))
		case rule.HTTPStatus == 0 && rule.Code == "":
			faults = append(faults, fmt.Errorf("%s: needs http_status or code", at))
		case rule.Code != "" && r.Code == "":
			faults = append(faults, fmt.Errorf("%s.code: response.code does not say where codes stand", at))
		case rule.Code == "" && rule.HTTPStatus >= 200 && rule.HTTPStatus <= 299:
			faults = append(faults, fmt.Errorf("%s: a success needs a code to be none", at))
		}
	}
	return errors.Join(faults...)
}

// Send implements ports.Provider with one request. It waits for a free connection
// within the timeout too.
func (p *Provider) Send(ctx context.Context, text ports.Text) ports.Outcome {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	request, err := p.build(ctx, p.config.Request, http.MethodPost, p.values(text, p.config.Now()))
	if err != nil {
		return ports.Outcome{Class: domain.ClassPermanent, Detail: "the request cannot be built"}
	}
	return p.outcome(httpcall.Do(p.client, request))
}

// outcome says what an answer means. Whatever is not certain is in doubt.
func (p *Provider) outcome(a httpcall.Answer) ports.Outcome {
	if a.Status == 0 {
		return a.Unanswered()
	}
	var answer document
	unreadable := a.Err
	if unreadable == nil {
		answer, unreadable = readJSON(a.Body)
	}
	response := p.config.Response
	o := ports.Outcome{HTTPStatus: a.Status, Code: answer.word(response.Code, codeWord)}
	if rule, ok := response.rule(a.Status, o.Code); ok {
		o.Class, o.Detail = domain.Class(rule.Class), rule.Note
		return p.finish(o, a)
	}
	switch {
	case a.Success():
		o.ProviderMessageID = answer.word(response.ID, idWord)
		if unreadable != nil || o.ProviderMessageID == "" {
			return ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: a.Status, Cause: causeOf(a)}
		}
		o.Class, o.ProviderStatus = domain.ClassSent, answer.word(response.Status, statusWord)
	case a.Uncertain():
		o.Class = domain.ClassInDoubt
	case a.Status == http.StatusTooManyRequests:
		o.Class = domain.ClassThrottled
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		o.Class = domain.ClassProviderWide
	case a.Err != nil:
		o.Class, o.Detail = domain.ClassNotSent, "refused, for a reason that was lost on the way"
	default:
		o.Class, o.Detail = domain.ClassPermanent, "refused"
	}
	return p.finish(o, a)
}

// finish adds what a class goes with.
func (p *Provider) finish(o ports.Outcome, a httpcall.Answer) ports.Outcome {
	switch o.Class {
	case domain.ClassThrottled:
		o.RetryAfter = httpcall.RetryAfter(a.Header, p.config.Now())
	case domain.ClassInDoubt:
		o.Cause = "http_" + strconv.Itoa(a.Status)
	}
	return o
}

// causeOf says why a success cannot be believed.
func causeOf(a httpcall.Answer) string {
	if a.Err != nil {
		return httpcall.Cause(a.Err)
	}
	return httpcall.CauseUnreadable
}

// rule returns the first that fits an answer.
func (r Response) rule(status int, code string) (Rule, bool) {
	for _, rule := range r.Rules {
		if (rule.HTTPStatus == 0 || rule.HTTPStatus == status) && (rule.Code == "" || rule.Code == code) {
			return rule, true
		}
	}
	return Rule{}, false
}
