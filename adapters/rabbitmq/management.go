package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports/httpcall"
)

// ErrNoManagement says that the broker's management API does not answer.
var ErrNoManagement = errors.New("the management API does not answer")

// managementOf is where the management API of one node has what it says of the vhost:
// between before and after it.
func managementOf(brokerURL, before, after string) (*url.URL, error) {
	u, err := url.Parse(brokerURL)
	if err != nil {
		return nil, errors.New("parsing RabbitMQ URL: malformed") // err quotes it, password and all
	}
	vhost := strings.TrimPrefix(u.EscapedPath(), "/")
	if vhost == "" {
		vhost = "%2F"
	}
	scheme, port := "http", "15672"
	if u.Scheme == "amqps" {
		scheme, port = "https", "15671"
	}
	management, err := url.Parse(scheme + "://" + u.Hostname() + ":" + port + before + vhost + after)
	if err != nil {
		return nil, errors.New("parsing RabbitMQ URL: malformed")
	}
	management.User = u.User
	return management, nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

// askManagement decodes an answer of the management API into out. Errors wrap ErrNoManagement.
func askManagement(ctx context.Context, management *url.URL, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, management.String(), nil)
	if err != nil {
		return ErrNoManagement
	}
	client := httpcall.NewClient(httpcall.ClientConfig{Concurrency: 1})
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return ErrNoManagement
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(out) != nil {
		return fmt.Errorf("status %d: %w", response.StatusCode, ErrNoManagement)
	}
	return nil
}
