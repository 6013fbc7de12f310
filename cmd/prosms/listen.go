package main

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// listeners are the sockets of the gateway, opened before anything is started so
// that a taken port stops the start.
type listeners struct{ api, admin net.Listener }

func listen(ctx context.Context, apiAddr, adminAddr string) (listeners, error) {
	var config net.ListenConfig
	api, err := config.Listen(ctx, "tcp", apiAddr)
	if err != nil {
		return listeners{}, fmt.Errorf("listening on PROSMS_HTTP_ADDR: %w", err)
	}
	admin, err := config.Listen(ctx, "tcp", adminAddr)
	if err != nil {
		return listeners{}, errors.Join(fmt.Errorf("listening on PROSMS_ADMIN_ADDR: %w", err), api.Close())
	}
	return listeners{api, admin}, nil
}

// close closes what no server has closed yet.
func (l listeners) close() {
	_ = l.api.Close()
	_ = l.admin.Close()
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
