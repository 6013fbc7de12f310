package rabbitmq

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
)

// harmful are the keys of policies that let queues lose messages, or disappear,
// whatever the arguments say that we declare them with.
var harmful = []string{"expires", "max-length", "max-length-bytes", "message-ttl", "delivery-limit"}

// HarmfulPolicies names the policies of the vhost that apply to queues of ours and
// set what must not be set there. It asks the management API of the hosts in brokerURL
// at its usual port, with the login in it; an error wraps ErrNoManagement.
func HarmfulPolicies(ctx context.Context, brokerURL, prefix string) ([]string, error) {
	return fromAny(brokerURL, func(node string) ([]string, error) {
		management, err := managementOf(node, "/api/policies/", "")
		if err != nil {
			return nil, err
		}
		return harmfulPolicies(ctx, management, prefix)
	})
}

func harmfulPolicies(ctx context.Context, management *url.URL, prefix string) ([]string, error) {
	var policies []struct {
		Name, Pattern string
		ApplyTo       string `json:"apply-to"`
		Definition    map[string]any
	}
	if err := askManagement(ctx, management, &policies); err != nil {
		return nil, fmt.Errorf("listing policies: %w", err)
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
