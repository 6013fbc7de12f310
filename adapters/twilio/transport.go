package twilio

import (
	"net"
	"net/http"
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

// newHTTPClient returns the one client of a provider. It speaks HTTP/1.1 only: over
// HTTP/2, net/http sends a POST again after some resets by the peer that may come
// after processing. It follows no redirect, which would send the text elsewhere,
// and holds a connection for every call in flight, so that none is thrown away.
func newHTTPClient(c Config) *http.Client {
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
