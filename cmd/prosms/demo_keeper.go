package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// What a demo makes of a worker that keeps ending.
const (
	demoSteady = 5 * time.Second        // after which a worker that ends is a new story
	demoPause  = 500 * time.Millisecond // before the second start in a row, doubled with each
	demoPauses = 10 * time.Second       // at the most
	demoVain   = 5                      // starts in a row without one request taken, after which the demo gives up
)

// demoKeeper runs a worker and starts it again whenever it ends. It implements
// sandbox.Worker.
type demoKeeper struct {
	args    []string
	process process
	changed func()                // the state is another
	welcome func(demoReady) error // called when the first worker takes requests
	burst   demoBurst

	mu       sync.Mutex
	worker   *os.Process // nil: none is running
	up       bool
	killed   bool // by the button
	ends     int
	ended    time.Time     // when the last worker did
	back     time.Duration // until the next took requests
	until    time.Time     // when the next is started
	greeted  bool
	statuses map[string]int64 // as it told last
}

// run keeps a worker until ctx ends, and then waits for it to come to rest. The error
// says that a worker could not be started, or came to nothing again and again.
func (k *demoKeeper) run(ctx context.Context) error {
	for hasty, vain := 0, 0; ; {
		start := time.Now()
		served, err := k.once(ctx)
		if ctx.Err() != nil {
			return err
		}
		if hasty++; k.wasKilled() || time.Since(start) > demoSteady {
			hasty = 0
		}
		if vain++; served {
			vain = 0
		}
		if !k.greeted || vain == demoVain {
			return fmt.Errorf("the gateway does not start: %w", err)
		}
		if !k.rest(ctx, hasty) {
			return nil
		}
	}
}

// wasKilled reports whether the last worker ended by the button.
func (k *demoKeeper) wasKilled() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.killed
}

// rest waits before the next start when starts are hasty, and reports whether there
// is to be one.
func (k *demoKeeper) rest(ctx context.Context, hasty int) bool {
	if hasty < 2 {
		return true
	}
	pause := min(demoPause<<min(hasty-2, 10), demoPauses)
	k.set(func() { k.until = time.Now().Add(pause) })
	_, _ = fmt.Fprintf(k.process.Stderr, "prosms: the gateway keeps ending: it is started again in %s\n", pause)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// once runs one worker to its end, and reports whether it took requests.
func (k *demoKeeper) once(ctx context.Context) (served bool, err error) {
	program, err := os.Executable()
	if err != nil {
		return false, err
	}
	worker := exec.Command(program, k.args...)
	worker.Env, worker.Stderr = k.process.Environ, k.process.Stderr
	in, err := worker.StdinPipe() // held open: its end tells the worker that the demo is gone
	if err != nil {
		return false, err
	}
	out, err := worker.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := worker.Start(); err != nil {
		return false, err
	}
	k.set(func() { k.worker, k.killed, k.until = worker.Process, false, time.Time{} })
	release := context.AfterFunc(ctx, func() { _, _ = io.WriteString(in, demoStop+"\n") }) // one that is gone needs no asking
	defer release()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var report demoReport
		if json.Unmarshal(lines.Bytes(), &report) != nil {
			continue // killed amid a line
		}
		served = served || report.Ready != nil
		if greeting := k.heard(report); greeting != nil {
			err = errors.Join(err, greeting)
		}
	}
	err = errors.Join(err, worker.Wait())
	k.set(func() {
		k.worker, k.up = nil, false
		if ctx.Err() == nil {
			k.ends, k.ended, k.back = k.ends+1, time.Now(), 0
		}
	})
	return served, err
}

// heard takes in what a worker tells.
func (k *demoKeeper) heard(r demoReport) error {
	if r.Statuses != nil {
		k.set(func() { k.statuses = r.Statuses })
	}
	if r.Ready == nil {
		return nil
	}
	k.burst.open(r.Ready.Key)
	first := !k.greeted
	k.greeted = true
	k.set(func() {
		k.up = true
		if !first {
			k.back = time.Since(k.ended)
		}
	})
	if first {
		return k.welcome(*r.Ready)
	}
	_, err := fmt.Fprintf(k.process.Stdout, "\nThe gateway ended, and is back after %.1f s. Its admin pages let you in anew by %s\n", k.back.Seconds(), r.Ready.WayIn)
	return err
}

func (k *demoKeeper) set(change func()) {
	k.mu.Lock()
	change()
	k.mu.Unlock()
	k.changed()
}

// State implements sandbox.Worker.
func (k *demoKeeper) State() sandbox.WorkerState {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := sandbox.WorkerState{Up: k.up, Ends: k.ends, Back: k.back, Pause: max(0, time.Until(k.until)), Burst: k.burst.left()}
	if k.worker != nil {
		s.Process = k.worker.Pid
	}
	return s
}

// Kill implements sandbox.Worker. Amid a burst it strikes when texts are being sent.
func (k *demoKeeper) Kill() error {
	if k.burst.amid(func() { _ = k.kill() }) { // one that has ended since needs no killing
		return nil
	}
	return k.kill()
}

func (k *demoKeeper) kill() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.worker == nil {
		return errors.New("it has ended already")
	}
	k.killed = true
	return k.worker.Kill()
}

// Burst implements sandbox.Worker.
func (k *demoKeeper) Burst() error { return k.burst.begin() }

// records are what the worker said last, and what the burst has found missing.
func (k *demoKeeper) records(context.Context) (sandbox.Records, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := recordsOf(k.statuses)
	r.Missing = k.burst.missing()
	return r, nil
}
