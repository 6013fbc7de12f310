package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	secretFresh   = 5 * time.Second // how long what was read is as good as new
	secretTimeout = 3 * time.Second // of reading it
)

// mayChange reports whether a setting whose value is current refers to where that can be
// another one while this process runs.
func (c *Config) mayChange(setting, current string) bool {
	reference := c.environ[setting]
	return reference != "" && reference != current && !strings.HasPrefix(reference, "env:")
}

// followed is a secret that is kept elsewhere. It is read when it is wanted, once in 5 s
// however many want it; what cannot be read, or does not fit, leaves it as it was.
type followed struct {
	setting string
	read    func(context.Context) (string, error)
	fits    func(string) error // says what is wrong with a new one; nil: nothing ever is
	log     *slog.Logger
	reading sync.WaitGroup

	mu      sync.Mutex
	current string
	readAt  time.Time
	done    chan struct{} // closed when the read under way has ended; nil: none is
}

// follow returns the secret of a setting, which is current at the start.
func follow(c Config, setting, current string, log *slog.Logger) *followed {
	return &followed{setting: setting, current: current, readAt: time.Now(), log: log, read: func(ctx context.Context) (string, error) {
		return newReferences(ctx, c.environ).follow(c.environ[setting])
	}}
}

// get returns the secret of now, or the last good one when ctx ends before that is read.
func (f *followed) get(ctx context.Context) string {
	f.mu.Lock()
	if time.Since(f.readAt) < secretFresh {
		defer f.mu.Unlock()
		return f.current
	}
	if f.done == nil {
		f.done = make(chan struct{})
		f.reading.Go(f.refresh)
	}
	done := f.done
	f.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

func (f *followed) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), secretTimeout)
	defer cancel()
	text, err := f.read(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && text != f.current && f.fits != nil {
		err = f.fits(text)
	}
	switch {
	case err != nil:
		f.log.Warn("reading a secret anew: the last one stays", "setting", f.setting, "error", err)
	case text != f.current:
		f.current = text
		f.log.Info("secrets have changed", "setting", f.setting)
	}
	f.readAt = time.Now()
	close(f.done)
	f.done = nil
}

// close waits for what is being read.
func (f *followed) close() { f.reading.Wait() }
