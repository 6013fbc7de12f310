package commands

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// ErrForeign says that frames of another log come from our queues.
var ErrForeign = errors.New("frames of another log come from our queues")

const (
	foreignFor   = 5 * time.Minute // how long one frame is reason for alarm
	foreignEvery = time.Minute     // between lines in the process log
)

// Foreign is told of frames of another log. Nothing comes of them here, but whoever
// shares our queues takes frames of ours as well: what they were about is late, as it
// is issued again, or read from the log. It is safe for concurrent use.
type Foreign struct {
	Count func() // told of each as well; nil: nobody
	Log   *slog.Logger

	mu         sync.Mutex
	last, told time.Time
}

// Seen says that there was one.
func (f *Foreign) Seen() {
	if f.Count != nil {
		f.Count()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = time.Now()
	if f.last.Sub(f.told) < foreignEvery {
		return
	}
	f.told = f.last
	f.Log.Error("frames of another log come from our queues: another installation uses the same broker, vhost and PROSMS_RABBITMQ_PREFIX, " +
		"and takes as many of ours: give each a prefix of its own; or the database was made anew or set back while the queues were not, which passes")
}

// Err returns ErrForeign if there was one within five minutes.
func (f *Foreign) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last.IsZero() || time.Since(f.last) > foreignFor {
		return nil
	}
	return ErrForeign
}
