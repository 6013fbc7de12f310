package main

import (
	"context"
	"net"
	"net/http"
	"time"
)

// serveHTTP serves handler until ctx ends, and then waits a little for requests
// under way before it cuts them off: net/http waits for 5 s for a connection on
// which nothing was ever asked, as clients open in advance. Each of stop ends
// requests that would not end by themselves.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, stop ...func()) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	for _, f := range stop {
		server.RegisterOnShutdown(f)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	<-served
	return nil
}
