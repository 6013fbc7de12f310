package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/ports"
)

// Bounds of a look-up: the newest thousand messages to one number.
const (
	pageSize = 50
	maxPages = 20
)

// testCredentials is the code with which Twilio refuses anything but creates to
// test credentials.
const testCredentials = 20008

// Errors of a look-up that has no answer.
var (
	errCrowded    = errors.New("too many messages to this number to see them all")
	errUnreadable = errors.New("unreadable answer")
)

// Find implements ports.Provider. It lists the messages to the number, newest
// first, and picks what can only be the attempt; it says "no trace" only if it has
// seen all of the time in which the attempt can have been accepted. It does not
// filter by DateSent, which is null until a message leaves Twilio.
//
// Twilio's list lags by an unknown time: ask more than once before trusting an
// empty answer.
func (p *Provider) Find(ctx context.Context, attempt ports.Lookup) (ports.Found, error) {
	found, err := p.find(ctx, attempt)
	if err != nil {
		return ports.Found{}, fmt.Errorf("looking up attempt %d at message %s: %w", attempt.Attempt, attempt.MessageID, err)
	}
	return found, nil
}

func (p *Provider) find(ctx context.Context, attempt ports.Lookup) (ports.Found, error) {
	params := new(openapi.ListMessageParams).SetTo(string(attempt.To)).SetPageSize(pageSize)
	if strings.HasPrefix(string(attempt.From), "+") {
		params.SetFrom(string(attempt.From))
	}
	m := newMatcher(p.config, attempt)
	var at pageMark
	for range maxPages {
		page, header, err := p.page(ctx, params, at)
		if err != nil {
			return ports.Found{}, err
		}
		m.see(page.Messages, m.window(header))
		if at = next(page); m.past || at == (pageMark{}) {
			return m.found()
		}
	}
	if len(m.exact) == 0 {
		return ports.Found{}, errCrowded
	}
	found, err := m.found()
	found.Ambiguous = true
	return found, err
}

// page fetches one page within the provider's timeout.
func (p *Provider) page(ctx context.Context, params *openapi.ListMessageParams, at pageMark) (*openapi.ListMessageResponse, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	c := &call{provider: p, ctx: ctx}
	page, err := c.api().PageMessage(params, at.token, at.number)
	switch {
	case c.code == testCredentials:
		return nil, nil, fmt.Errorf("listing messages with test credentials: %w", ports.ErrNoLookup)
	case c.err != nil:
		return nil, nil, fmt.Errorf("listing messages: %w", c.err)
	case c.status != http.StatusOK:
		return nil, nil, fmt.Errorf("listing messages: http status %d, code %d", c.status, c.code)
	case err != nil, page.Messages == nil: // a page without a list is no empty list
		return nil, nil, fmt.Errorf("listing messages: %w", errUnreadable)
	}
	return page, c.header, nil
}

// pageMark names a page; the zero pageMark names the first, or none further.
type pageMark struct{ token, number string }

func next(page *openapi.ListMessageResponse) pageMark {
	if page.NextPageUri == nil {
		return pageMark{}
	}
	u, err := url.Parse(*page.NextPageUri)
	if err != nil {
		return pageMark{}
	}
	return pageMark{token: u.Query().Get("PageToken"), number: u.Query().Get("Page")}
}
