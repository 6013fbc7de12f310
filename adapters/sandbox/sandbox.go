// Package sandbox is a fake Twilio: it speaks the Messages API over real HTTP, calls
// back with signed statuses, misbehaves on demand, and keeps a ledger of what it
// has accepted, which is the truth that a sender's records can be held against.
package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of Config. The sender is Twilio's magic number that always works.
const (
	DefaultAccountSID = "AC5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
	DefaultAuthToken  = "sandbox"
	DefaultFrom       = "+15005550006"
)

// Config describes a sandbox. Its zero value works.
type Config struct {
	AccountSID string // "" means DefaultAccountSID
	AuthToken  string // "" means DefaultAuthToken; also signs callbacks

	CallbackDelay   time.Duration // before each status of a text; 0: none
	CallbackWorkers int           // callbacks in flight; 0 means 16
	MaxPending      int           // texts whose statuses are still to come; further ones stay as accepted; 0 means 100,000

	Keep       int    // texts remembered, newest first; 0 means 100,000
	LedgerPath string // file that outlives the process, with numbers and bodies in clear; "" means none
	InboundURL string // where replies from the phone page go; "" means there are none
	AdminURL   string // of the sender's own pages, which tell each text's story; "" means there are none
	Worker     Worker // whom the phone page can kill; nil means nobody
}

// Sandbox is a running fake. It is safe for concurrent use.
type Sandbox struct {
	config  Config
	ledger  *ledger
	script  *script
	courier *courier
	mux     *http.ServeMux
	unnamed atomic.Int64 // creates to ToThrottled without a callback
	replies replies
	changed signal // what the phone page shows
	records atomic.Pointer[func(context.Context) (Records, error)]
	streams chan struct{} // slots of pages that follow
	closing chan struct{} // closed when calls that hang must end
	once    sync.Once
}

// New returns a sandbox with what its ledger file remembers, and goes on calling
// back where that was cut short. Close it.
func New(c Config) (*Sandbox, error) {
	c.AccountSID = cmp.Or(c.AccountSID, DefaultAccountSID)
	c.AuthToken = cmp.Or(c.AuthToken, DefaultAuthToken)
	c.CallbackWorkers = cmp.Or(c.CallbackWorkers, 16)
	c.MaxPending = cmp.Or(c.MaxPending, 100_000)
	c.Keep = cmp.Or(c.Keep, 100_000)
	s := &Sandbox{config: c, script: &script{}, closing: make(chan struct{}), streams: make(chan struct{}, phoneStreams)}
	if err := s.routes(); err != nil {
		return nil, fmt.Errorf("opening sandbox: %w", err)
	}
	ledger, err := openLedger(c.LedgerPath, c.Keep)
	if err != nil {
		return nil, fmt.Errorf("opening sandbox: %w", err)
	}
	ledger.changed = &s.changed
	s.ledger, s.courier = ledger, newCourier(c, ledger)
	for _, m := range ledger.unfinished() {
		s.courier.take(plan(m, nil, c.CallbackDelay))
	}
	return s, nil
}

// Handler serves the API, the control endpoints and the phone page.
func (s *Sandbox) Handler() http.Handler { return s.mux }

// Close ends calls that hang and callbacks, waits for the latter, and closes the
// ledger. Stop the server around the handler first: a create after Close fails.
func (s *Sandbox) Close() error {
	s.once.Do(func() { close(s.closing) })
	s.courier.close()
	return s.ledger.close()
}

func (s *Sandbox) routes() error {
	const messages = "/2010-04-01/Accounts/{account}/Messages"
	s.mux = http.NewServeMux()
	s.mux.Handle("POST "+messages+".json", s.api(s.create))
	s.mux.Handle("GET "+messages+".json", s.api(s.list))
	s.mux.Handle("GET "+messages+"/{sid}", s.api(s.fetch))
	s.mux.Handle("POST "+messages+"/{sid}", s.api(s.update))
	s.mux.Handle("DELETE "+messages+"/{sid}", s.api(s.remove))
	s.mux.Handle("/2010-04-01/", s.api(s.unknown))

	s.mux.HandleFunc("POST /_sandbox/script", s.putScript)
	s.mux.HandleFunc("GET /_sandbox/script", s.getScript)
	s.mux.HandleFunc("DELETE /_sandbox/script", s.clearScript)
	s.mux.HandleFunc("GET /_sandbox/ledger", s.getLedger)
	s.mux.HandleFunc("GET /_sandbox/tally", s.getTally)
	s.mux.HandleFunc("GET /count", s.getCount)
	return s.phoneRoutes()
}

// wait waits for d, or until the caller of r has gone or the sandbox closes, and
// reports whether it waited all of d.
func (s *Sandbox) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}
