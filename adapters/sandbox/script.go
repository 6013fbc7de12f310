package sandbox

import (
	"fmt"
	"sync"

	"github.com/pro-sms/prosms/events"
)

// Action is what a sandbox does instead of answering as Twilio should.
type Action string

// The actions. Those that concern creates obey Fault.Accept.
const (
	Normally     Action = ""             // answer; for Callbacks alone
	Slowly       Action = "slow"         // answer after For
	Drop         Action = "drop"         // read the request and cut the connection
	Hang         Action = "hang"         // keep quiet for For (5 minutes if 0), then cut
	Fail         Action = "error"        // answer Status (500 if 0), as Twilio with a Code, else as a proxy with HTML
	Throttle     Action = "throttle"     // 429, with RetryAfter if not 0
	Unauthorized Action = "unauthorized" // 401
	Junk         Action = "junk"         // 201 and nothing that can be read
	Offline      Action = "offline"      // cut every connection to the API unread, creates or not
)

// Fault is a misbehaviour. Of several that fit a create, the first holds.
type Fault struct {
	Do     Action `json:"do"`
	To     string `json:"to,omitempty"`     // creates to this number; empty: all
	Times  int    `json:"times,omitempty"`  // creates it holds for, then it is gone; 0: until cleared
	Every  int    `json:"every,omitempty"`  // only each n-th create that fits; 0 and 1: each
	Accept bool   `json:"accept,omitempty"` // take the text on before misbehaving

	For        events.Duration `json:"for,omitempty"`         // of Slowly and Hang
	Status     int             `json:"status,omitempty"`      // of Fail
	Code       int             `json:"code,omitempty"`        // of Fail, Twilio's
	RetryAfter int             `json:"retry_after,omitempty"` // of Throttle, in seconds

	Callbacks *Callbacks `json:"callbacks,omitempty"` // of texts taken on
}

// Callbacks says how statuses are reported, in place of the usual.
type Callbacks struct {
	Steps          []Step           `json:"steps,omitempty"`           // empty: the usual ones
	Delay          *events.Duration `json:"delay,omitempty"`           // before each; nil: the sandbox's
	Duplicate      bool             `json:"duplicate,omitempty"`       // each twice
	Reorder        bool             `json:"reorder,omitempty"`         // last first
	Drop           bool             `json:"drop,omitempty"`            // none arrives, though the statuses change
	WrongSignature bool             `json:"wrong_signature,omitempty"` // signed with another token
}

// Step is a status that a text comes to.
type Step struct {
	Status    string `json:"status"`
	ErrorCode int    `json:"error_code,omitempty"`
}

// accepts reports whether the text is taken on.
func (f Fault) accepts() bool {
	return f.Accept || f.Do == Normally || f.Do == Slowly
}

func (f Fault) check() error {
	switch f.Do {
	case Normally, Slowly, Drop, Hang, Fail, Throttle, Unauthorized, Junk, Offline:
	default:
		return fmt.Errorf("unknown action %q", f.Do)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("status %d is not one of an answer", f.Status)
	}
	if f.Callbacks == nil {
		return nil
	}
	for _, step := range f.Callbacks.Steps {
		if _, ok := ranks[step.Status]; !ok {
			return fmt.Errorf("unknown status %q", step.Status)
		}
	}
	return nil
}

// maxFaults bounds a script.
const maxFaults = 1000

// script is the list of faults in force.
type script struct {
	mu     sync.Mutex
	faults []*scripted
}

type scripted struct {
	Fault
	seen int // creates that fitted
}

// Script adds faults, after those in force. They hold from the next request on.
func (s *Sandbox) Script(faults ...Fault) error {
	for _, f := range faults {
		if err := f.check(); err != nil {
			return fmt.Errorf("scripting: %w", err)
		}
	}
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	if len(s.script.faults)+len(faults) > maxFaults {
		return fmt.Errorf("scripting: more than %d faults", maxFaults)
	}
	for _, f := range faults {
		s.script.faults = append(s.script.faults, &scripted{Fault: f})
	}
	s.changed.raise()
	return nil
}

// ClearScript ends all misbehaviour, except of calls that are hanging already.
func (s *Sandbox) ClearScript() {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.faults = nil
	s.changed.raise()
}

// Faults returns those in force; Times is what is left of it.
func (s *Sandbox) Faults() []Fault {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	faults := make([]Fault, 0, len(s.script.faults))
	for _, f := range s.script.faults {
		faults = append(faults, f.Fault)
	}
	return faults
}

// offline reports whether the API is cut off, and uses the fault up.
func (s *script) offline() bool {
	_, found := s.take(func(f Fault) bool { return f.Do == Offline })
	return found
}

// create returns the fault that a create to this number meets.
func (s *script) create(to string) (Fault, bool) {
	return s.take(func(f Fault) bool { return f.Do != Offline && (f.To == "" || f.To == to) })
}

func (s *script) take(fits func(Fault) bool) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !fits(f.Fault) {
			continue
		}
		f.seen++
		if f.Every > 1 && f.seen%f.Every != 0 {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return f.Fault, true
	}
	return Fault{}, false
}
