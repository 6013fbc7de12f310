package httpcall

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits of a connection. A provider that takes longer to connect is as good as
// gone; one that was idle longer may have been closed by the peer unnoticed, and
// a request written to it would end in doubt.
const (
	dialTimeout = 3 * time.Second
	tlsTimeout  = 5 * time.Second
	idleTimeout = 30 * time.Second
)

// ClientConfig says how a provider is called.
type ClientConfig struct {
	Timeout     time.Duration                         // until an answer begins
	Concurrency int                                   // calls in flight, each on a connection of its own
	Proxy       func(*http.Request) (*url.URL, error) // nil means none
}

// NewClient returns the one client of a provider. It speaks HTTP/1.1 only: over
// HTTP/2, net/http sends a POST again after some resets by the peer that may come
// after processing. It follows no redirect, which would send the text elsewhere,
// and holds a connection for every call in flight, so that none is thrown away.
func NewClient(c ClientConfig) *http.Client {
	var only http.Protocols
	only.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Protocols:             &only,
			Proxy:                 c.Proxy,
			DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   tlsTimeout,
			ResponseHeaderTimeout: c.Timeout,
			IdleConnTimeout:       idleTimeout,
			MaxConnsPerHost:       c.Concurrency,
			MaxIdleConnsPerHost:   c.Concurrency,
			MaxIdleConns:          c.Concurrency,
		},
	}
}

// ParseURL reads an absolute URL that paths can be added to. Errors do not
// quote it: it may hold a password.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("it must be an absolute http or https URL")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("it must not have credentials, a query or a fragment")
	}
	return u, nil
}
