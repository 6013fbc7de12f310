package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/pro-sms/prosms/ports/httpcall"
)

// call carries one API call. The SDK builds the request and decodes the answer;
// call does what the stock client does not: it obeys a context, goes to the base
// URL, closes and bounds the body, and remembers what came back, whatever the SDK
// makes of it. It serves one request by one goroutine.
type call struct {
	provider *Provider
	ctx      context.Context // the SDK's interface has no room for it

	answer httpcall.Answer
	status int // 0: no answer
	header http.Header
	code   int   // Twilio's error code, if the answer had one
	err    error // of sending, or of reading the answer; names no URL
}

var _ client.BaseClient = (*call)(nil)

// api returns the SDK's service over c.
func (c *call) api() *openapi.ApiService { return openapi.NewApiServiceWithClient(c) }

// AccountSid implements client.BaseClient.
func (c *call) AccountSid() string { return c.provider.config.AccountSID }

// SetTimeout implements client.BaseClient; the context has the timeout.
func (c *call) SetTimeout(time.Duration) {}

// SetOauth implements client.BaseClient; we use Basic authentication.
func (c *call) SetOauth(client.OAuth) {}

// OAuth implements client.BaseClient.
func (c *call) OAuth() client.OAuth { return nil }

// SendRequest implements client.BaseClient. The response it returns is a copy in
// memory, which needs no closing.
func (c *call) SendRequest(method, rawURL string, data url.Values, headers map[string]any, _ ...byte) (*http.Response, error) {
	req, err := c.request(method, rawURL, data, headers)
	if err != nil {
		c.answer.Err, c.err = err, err
		return nil, err
	}
	c.answer = httpcall.Do(c.provider.client, req)
	c.status, c.header, c.err = c.answer.Status, c.answer.Header, c.answer.Err
	if c.err != nil {
		return nil, c.err
	}
	if !c.answer.Success() {
		c.code = errorCode(c.answer.Body)
		return nil, &client.TwilioRestError{Status: c.status, Code: c.code}
	}
	return &http.Response{StatusCode: c.status, Header: c.header, Body: io.NopCloser(bytes.NewReader(c.answer.Body))}, nil
}

// request builds the HTTP request: the SDK's, but to the base URL and with our
// credentials. It must not carry an idempotency key: Twilio knows none, and
// net/http would take it as leave to send the POST again by itself.
func (c *call) request(method, rawURL string, data url.Values, headers map[string]any) (*http.Request, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("building request: malformed URL")
	}
	base := c.provider.base
	u.Scheme, u.Host = base.Scheme, base.Host
	u.Path = strings.TrimRight(base.Path, "/") + u.Path

	var body io.Reader
	switch {
	case method == http.MethodPost:
		body = strings.NewReader(data.Encode())
	case len(data) > 0:
		u.RawQuery = data.Encode()
	}
	req, err := http.NewRequestWithContext(c.ctx, method, u.String(), body)
	if err != nil {
		return nil, errors.New("building request: malformed URL or method")
	}
	for k, v := range headers {
		req.Header.Set(k, fmt.Sprint(v))
	}
	req.Header.Set("User-Agent", "pro-sms")
	req.SetBasicAuth(c.provider.config.AccountSID, string(c.provider.config.AuthToken))
	return req, nil
}

// errorCode returns the code of Twilio's error document, which comes as a number
// or as a string; 0 when there is none, as in a proxy's HTML.
func errorCode(body []byte) int {
	var doc struct {
		Code json.Number `json:"code"` // takes both
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return 0
	}
	code, err := doc.Code.Int64()
	if err != nil || code < 0 || code > 999_999 {
		return 0
	}
	return int(code)
}
