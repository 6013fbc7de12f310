package rabbitmq

import (
	"context"
	"fmt"
	"net/url"
	"slices"
)

// What our connections say of themselves to the broker.
const (
	propertyInstallation = "prosms_installation"
	propertyPrefix       = "prosms_prefix"
)

// Installations returns who is connected to the vhost and uses the queues with prefix:
// the hosts of each installation, sorted. There should be one. It asks the management
// API as HarmfulPolicies does, which shows a login that does not monitor its own
// connections alone.
func Installations(ctx context.Context, brokerURL, prefix string) (map[string][]string, error) {
	return fromAny(brokerURL, func(node string) (map[string][]string, error) {
		management, err := managementOf(node, "/api/vhosts/", "/connections")
		if err != nil {
			return nil, err
		}
		return installations(ctx, management, prefix)
	})
}

func installations(ctx context.Context, management *url.URL, prefix string) (map[string][]string, error) {
	var connections []struct {
		Host       string         `json:"peer_host"`
		Properties map[string]any `json:"client_properties"`
	}
	if err := askManagement(ctx, management, &connections); err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	hosts := map[string][]string{}
	for _, c := range connections {
		name, ours := c.Properties[propertyInstallation].(string)
		if used, _ := c.Properties[propertyPrefix].(string); !ours || used != prefix || slices.Contains(hosts[name], c.Host) {
			continue
		}
		hosts[name] = append(hosts[name], c.Host)
		slices.Sort(hosts[name])
	}
	return hosts, nil
}
