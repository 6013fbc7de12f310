// Package api is the HTTP API: it turns requests into commands and queries, and
// their answers and errors into JSON. Its folder is named for the technology; the
// package itself is not called http because every file of it uses net/http.
package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// Bounds of a connection. There is no write timeout, which would cut long polls:
// each answer gets its own deadline instead.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 15 * time.Second // for one answer, once it begins
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 32 << 10
)

// Server serves the HTTP API. Commands and Queries must be set; the other fields
// have defaults. It must not be changed once Handler, Run or Serve was called.
type Server struct {
	Addr     string // "": ":8080"
	Commands *commands.Handler
	Queries  projections.Queries
	KeyUses  ports.KeyUses // nil: nobody notes when a key was used
	// SharedKeys has each key loaded once for all instances; nil: each loads its own.
	SharedKeys SharedKeys
	Webhooks   *commands.Webhooks // nil: on the stores of Commands and Queries
	PublicURL  string             // under which providers call back: scheme, host and any path prefix

	Limiter    ports.Limiter // nil: no limits
	RatePerKey int           // requests a second, with bursts of twice that; 0: unlimited
	// RatePerTenant is of all keys of a tenant together; 0: unlimited.
	RatePerTenant int
	// TrustedProxies are believed about whom they forward for (X-Forwarded-For).
	TrustedProxies []netip.Prefix
	RatePerIP      int // the same for requests without a valid key, by client address

	Twilio    Twilio                          // zero: no webhooks
	Callbacks map[string]Callback             // of other providers, by name
	Checks    []Check                         // of /readyz
	Observe   func(context.Context, Exchange) // told of every answered request; nil: nobody
	Wrap      func(http.Handler) http.Handler // what every request passes first; nil: nothing
	Log       *slog.Logger                    // nil: slog.Default
	Now       func() time.Time                // nil: time.Now

	Timeout     time.Duration // of the work for one request, a long poll's waiting aside; 0: 15 s
	Grace       time.Duration // how long Run waits for requests under way when it ends; 0: 20 s
	KeyTTL      time.Duration // how long a revoked key may still open; 0: 1 s
	MaxRequests int           // handled at once, long polls that wait aside; 0: 2,048
	MaxBatches  int           // of those: batches in memory at once; 0: 16
	MaxPolls    int           // long polls that wait at once; 0: 10,000
	MaxStreams  int           // event streams open at once, each of which reads the log by itself; 0: 32
}

// Exchange is an answered request, as metrics may know it.
type Exchange struct {
	Method   string
	Route    string // its pattern without the method: "/v1/messages/{id}"; empty: no route
	Status   int
	Duration time.Duration
}

// Run listens on Addr and serves until ctx ends. Then it takes no new requests,
// answers long polls at once, waits up to Grace for the others, and returns nil;
// an error means that it could not listen or go on, or had to cut requests off.
func (s *Server) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(s.Addr, ":8080"))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	return s.Serve(ctx, listener)
}

// Serve is Run on a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	a := s.build()
	server := &http.Server{
		Handler:           a.wrapped(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(a.close)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(s.Grace, 20*time.Second))
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		err = fmt.Errorf("cutting off requests under way: %w", errors.Join(err, server.Close()))
	}
	<-served
	return err
}

// Handler returns the whole API for use under another server or in a test. It
// keeps caches: call it once.
func (s *Server) Handler() http.Handler { return s.build().wrapped() }
