package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports/httpcall"
)

// ErrNoManagement says that the broker's management API does not answer.
var ErrNoManagement = errors.New("the management API does not answer")

// harmful are the keys of policies that let queues lose messages, or disappear,
// whatever the arguments say that we declare them with.
var harmful = []string{"expires", "max-length", "max-length-bytes", "message-ttl", "delivery-limit"}

// HarmfulPolicies names the policies of the vhost that apply to queues of ours and
// set what must not be set there. It asks the management API of the host in brokerURL
// at its usual port, with the login in it; an error wraps ErrNoManagement.
func HarmfulPolicies(ctx context.Context, brokerURL, prefix string) ([]string, error) {
	management, err := managementOf(brokerURL)
	if err != nil {
		return nil, err
	}
	return harmfulPolicies(ctx, management, prefix)
}

// managementOf is where the policies of a broker's vhost are listed.
func managementOf(brokerURL string) (*url.URL, error) {
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
	management, err := url.Parse(scheme + "://" + u.Hostname() + ":" + port + "/api/policies/" + vhost)
	if err != nil {
		return nil, errors.New("parsing RabbitMQ URL: malformed")
	}
	management.User = u.User
	return management, nil
}

// maxPolicies bounds what is read of a list of policies, in bytes.
const maxPolicies = 4 << 20

func harmfulPolicies(ctx context.Context, management *url.URL, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, management.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("listing policies: %w", ErrNoManagement)
	}
	client := httpcall.NewClient(httpcall.ClientConfig{Concurrency: 1})
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("listing policies: %w", ErrNoManagement)
	}
	defer func() { _ = response.Body.Close() }()
	var policies []struct {
		Name, Pattern string
		ApplyTo       string `json:"apply-to"`
		Definition    map[string]any
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(response.Body, maxPolicies)).Decode(&policies) != nil {
		return nil, fmt.Errorf("listing policies: status %d: %w", response.StatusCode, ErrNoManagement)
	}
	var found []string
	for _, p := range policies {
		pattern, err := regexp.Compile(p.Pattern) // the broker's are of another dialect, mostly the same
		if p.ApplyTo == "exchanges" || err == nil && !slices.ContainsFunc(ourQueues, func(name string) bool { return pattern.MatchString(prefix + name) }) {
			continue
		}
		for _, key := range harmful {
			if _, set := p.Definition[key]; set {
				found = append(found, p.Name+" sets "+key)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// ourQueues are names like those of our queues.
var ourQueues = []string{
	"sms.dispatch.high", "sms.dispatch.normal", "sms.dispatch.bulk", "sms.retry.30s", "sms.events.projections", "sms.events.webhooks", "sms.dlq", "sms.dlq.unreadable",
}
