package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	api "github.com/pro-sms/prosms/adapters/http"
)

// starting answers on the listeners of a gateway until its own servers do, so that
// one that waits can be told from one that is dead.
type starting struct {
	listeners listeners
	servers   []*http.Server
	serving   sync.WaitGroup
	cause     atomic.Pointer[error] // why there is no store
}

// answerMeanwhile begins to answer on l; stop gives it back.
func answerMeanwhile(l listeners) *starting {
	s := &starting{listeners: l}
	s.because(errors.New("the store has yet to be opened"))
	handler := api.Starting(func(context.Context) error { return *s.cause.Load() })
	for _, listener := range l.all() {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
		s.servers = append(s.servers, server)
		s.serving.Go(func() { _ = server.Serve(lent{listener}) }) // ends when it is stopped; a socket that fails, fails its owner
	}
	return s
}

// because says why it takes longer.
func (s *starting) because(err error) { s.cause.Store(&err) }

// stop answers what is under way, within a second. Whoever connects from then on
// waits for the listeners' next server. It may be called again.
func (s *starting) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}
	s.serving.Wait()
	for _, listener := range s.listeners.all() {
		_ = lent{listener}.until(time.Time{})
	}
}

// lent is a listener whose borrower only ends its own accepting by closing it.
type lent struct{ net.Listener }

// Close implements net.Listener.
func (l lent) Close() error { return l.until(time.Now()) }

func (l lent) until(deadline time.Time) error {
	return l.Listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(deadline) // of TCP, as all of ours
}
