package rabbitmq

import (
	"net/url"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// nodesOf returns a URL for each node of a cluster that address names:
// amqp://user:password@a,b:5673/vhost is amqp://user:password@a/vhost and one of b.
func nodesOf(address string) []string {
	scheme, rest, _ := strings.Cut(address, "://")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	hosts := strings.LastIndexByte(rest[:end], '@') + 1 // before it: a password, which may hold commas
	var nodes []string
	for host := range strings.SplitSeq(rest[hosts:end], ",") {
		nodes = append(nodes, scheme+"://"+rest[:hosts]+strings.TrimSpace(host)+rest[end:])
	}
	return nodes
}

// malformed reports whether a node of address cannot be connected to: as where several
// URLs stand with commas, not several hosts.
func malformed(address string) bool {
	nodes := nodesOf(address)
	for _, node := range nodes {
		if _, err := amqp.ParseURI(node); err != nil {
			return true
		}
		u, err := url.Parse(node)
		if err != nil || strings.HasSuffix(u.Host, ":") || u.Hostname() == "" && len(nodes) > 1 {
			return true
		}
	}
	return false
}

// fromAny asks the nodes in turn, until one answers.
func fromAny[T any](address string, ask func(node string) (T, error)) (answer T, err error) {
	for _, node := range nodesOf(address) {
		if answer, err = ask(node); err == nil {
			break
		}
	}
	return answer, err
}
