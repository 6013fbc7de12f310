package main

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// listeners are the sockets of the gateway, opened before anything is started so
// that a taken port stops the start.
type listeners struct {
	api   net.Listener // nil without the role
	admin net.Listener
}

func listen(ctx context.Context, c Config, roles roles) (listeners, error) {
	var (
		config net.ListenConfig
		l      listeners
		err    error
	)
	if l.admin, err = config.Listen(ctx, "tcp", c.AdminAddr); err != nil {
		return listeners{}, fmt.Errorf("listening on PROSMS_ADMIN_ADDR: %w", err)
	}
	if !roles.has(roleAPI) {
		return l, nil
	}
	if l.api, err = config.Listen(ctx, "tcp", c.HTTPAddr); err != nil {
		return listeners{}, errors.Join(fmt.Errorf("listening on PROSMS_HTTP_ADDR: %w", err), l.admin.Close())
	}
	return l, nil
}

// all are those that there are.
func (l listeners) all() []net.Listener {
	if l.api == nil {
		return []net.Listener{l.admin}
	}
	return []net.Listener{l.api, l.admin}
}

// apiURL is where a program on this machine finds the API; empty without it.
func (l listeners) apiURL() string {
	if l.api == nil {
		return ""
	}
	return "http://" + reachable(l.api.Addr())
}

// close closes what no server has closed yet.
func (l listeners) close() {
	for _, listener := range l.all() {
		_ = listener.Close()
	}
}

// reachable returns addr as a program on this machine can dial it.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
