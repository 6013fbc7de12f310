package twilio

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

// Trust lets p talk to a test server that has a certificate in pool.
func Trust(p *Provider, pool *x509.CertPool) {
	if transport, ok := p.client.Transport.(*http.Transport); ok {
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
}
