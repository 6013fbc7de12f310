package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

// maxAnswer is the most that is read of an answer, in bytes. A created message
// takes about 1 kB, a page of fifty about 60 kB.
const maxAnswer = 1 << 20

// call carries one API call. The SDK builds the request and decodes the answer;
// call does what the stock client does not: it obeys a context, goes to the base
// URL, closes and bounds the body, and remembers what came back, whatever the SDK
// makes of it. It serves one request by one goroutine.
type call struct {
	provider *Provider
	ctx      context.Context // the SDK's interface has no room for it

	connected atomic.Bool // a connection was had: from here on something may have been written
	status    int         // 0: no answer
	header    http.Header
	code      int   // Twilio's error code, if the answer had one
	err       error // of sending, or of reading the answer; names no URL
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
		c.err = err
		return nil, err
	}
	resp, err := c.provider.client.Do(req)
	if err != nil {
		c.err = withoutURL(err)
		return nil, c.err
	}
	defer resp.Body.Close()
	c.status, c.header = resp.StatusCode, resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		c.err = fmt.Errorf("reading answer: %w", err)
		return nil, c.err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		c.code = errorCode(body)
		return nil, &client.TwilioRestError{Status: resp.StatusCode, Code: c.code}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
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
	ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { c.connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
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

// withoutURL takes the URL, whose query may hold a number, out of an error.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
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
