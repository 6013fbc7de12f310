// Package webhook posts to customers' endpoints, signed as Standard Webhooks 1.0
// asks, and to no address that is not public.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// Config says how endpoints are called.
type Config struct {
	Timeout      time.Duration // of a whole call; 0: 15 s
	AllowPrivate bool          // calls private addresses and http:// too: for tests and closed networks
}

// maxAnswer is how much of an answer is read, so that its connection can be used
// again. Nothing of it is kept.
const maxAnswer = 64 << 10

// Client posts webhooks. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	timeout time.Duration
	plain   bool
}

// New returns a Client. It goes through no proxy, which would do the dialing for it,
// and follows no redirect.
func New(c Config) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	if !c.AllowPrivate {
		dialer.ControlContext = onlyPublic
	}
	return &Client{
		timeout: cmp.Or(c.Timeout, 15*time.Second), plain: c.AllowPrivate,
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:            dialer.DialContext,
				TLSHandshakeTimeout:    5 * time.Second,
				IdleConnTimeout:        30 * time.Second,
				MaxIdleConns:           128,
				MaxIdleConnsPerHost:    8,
				MaxResponseHeaderBytes: 32 << 10,
				DisableCompression:     true,
				ForceAttemptHTTP2:      true,
			},
		},
	}
}

// Post makes one attempt. Only a 2xx that came whole, or at least as far as it is
// read, is a delivery. Its faults say nothing of URL and address.
func (c *Client) Post(ctx context.Context, post commands.WebhookPost) commands.WebhookAnswer {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, post.URL, bytes.NewReader(post.Body))
	if err != nil || request.URL.User != nil || request.URL.Scheme != "https" && !c.plain {
		return commands.WebhookAnswer{Fault: "forbidden_url"}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Pro-SMS")
	request.Header.Set("Webhook-Id", post.ID)
	request.Header.Set("Webhook-Timestamp", strconv.FormatInt(post.At.Unix(), 10))
	request.Header.Set("Webhook-Signature", signatures(post))
	response, err := c.http.Do(request)
	if err != nil {
		return commands.WebhookAnswer{Fault: fault(err)}
	}
	defer response.Body.Close()
	_, err = io.CopyN(io.Discard, response.Body, maxAnswer)
	answer := commands.WebhookAnswer{HTTPStatus: response.StatusCode}
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		answer.Fault = "redirect"
	case response.StatusCode < 200 || response.StatusCode > 299:
		answer.Fault = fmt.Sprintf("http_%d", response.StatusCode)
		answer.RetryAfter = httpcall.RetryAfter(response.Header, post.At)
	case err != nil && !errors.Is(err, io.EOF):
		answer.Fault = fault(err)
	default:
		answer.Delivered = true
	}
	return answer
}

// signatures signs with each secret: "v1," and the HMAC-SHA-256 of id, timestamp and body.
func signatures(post commands.WebhookPost) string {
	signed := make([]string, len(post.Secrets))
	for i, secret := range post.Secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%d.", post.ID, post.At.Unix())
		mac.Write(post.Body)
		signed[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signed, " ")
}

// fault names an error for the delivery log.
func fault(err error) string {
	var timeout net.Error
	var dns *net.DNSError
	switch {
	case errors.Is(err, errForbidden):
		return "forbidden_address"
	case errors.As(err, &dns):
		return "unknown_host"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "connection_refused"
	}
	return "connection_lost"
}
