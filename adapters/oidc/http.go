package oidc

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/httpcall"
)

// maxAnswer bounds an answer of the issuer: sets of keys are some kilobytes.
const maxAnswer = 1 << 20

// newHTTP returns a client for the few calls that sign-ins need. The issuer is
// named by the configuration, so private addresses are fine, and proxies are used;
// redirects are not followed, and each call is bounded in time and size.
func newHTTP(timeout time.Duration) *http.Client {
	client := httpcall.NewClient(httpcall.ClientConfig{Timeout: timeout, Concurrency: 8, Proxy: http.ProxyFromEnvironment})
	client.Timeout = timeout
	client.Transport = bounded{client.Transport}
	return client
}

// bounded makes an answer that is too long an error of reading it.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	}
	return response, err
}

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if next, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// The errors of the libraries quote what the issuer answered, tokens and addresses
// among it. These say what kind of fault it was.

func discoveryFault(err error) error {
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("it calls itself otherwise, perhaps by a slash at the end: %w", commands.ErrIdentity)
	}
	return unavailable(err)
}

func exchangeFault(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		if refused.Response != nil && refused.Response.StatusCode >= http.StatusInternalServerError {
			return ports.ErrUnavailable
		}
		return fmt.Errorf("the issuer refuses it: %w", commands.ErrIdentity)
	}
	return unavailable(err)
}

func verifyFault(err error) error {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return fmt.Errorf("it has expired: %w", commands.ErrIdentity)
	}
	return fmt.Errorf("its signature, issuer or audience does not hold, or the issuer's keys cannot be had: %w", commands.ErrIdentity)
}

// unavailable keeps of an error of a call only its cause: net/url quotes addresses.
func unavailable(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		return fmt.Errorf("%w: %w", ports.ErrUnavailable, call.Err)
	}
	return ports.ErrUnavailable
}
