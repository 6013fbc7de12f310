package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of a connection. There is no write timeout, which would cut streams and
// profiles: handlers give each answer its own deadline.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second // of a whole request
	idleTimeout       = time.Minute
	maxHeaderBytes    = 32 << 10
)

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveHTTP serves handler until ctx ends, and then waits a little for requests
// under way before it cuts them off: net/http waits for 5 s for a connection on
// which nothing was ever asked, as clients open in advance. Each of stop ends
// requests that would not end by themselves.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger, stop ...func()) error {
	server := newServer(handler, log)
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
