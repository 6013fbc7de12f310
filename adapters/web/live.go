package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// heartbeat is when at the latest something is written to a stream.
const heartbeat = 15 * time.Second

// stream is an answer of server-sent events.
type stream struct {
	w     http.ResponseWriter
	wrote time.Time
}

// openStream begins one, if there is room. ctx ends with the request, the
// server, or when end is called.
func (u *ui) openStream(w http.ResponseWriter, r *http.Request) (s *stream, ctx context.Context, end func(), ok bool) {
	select {
	case u.streams <- struct{}{}:
	default:
		http.Error(w, "too many streams are open", http.StatusServiceUnavailable)
		return nil, nil, nil, false
	}
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(u.closing, cancel)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	return &stream{w: w}, ctx, func() { stop(); cancel(); <-u.streams }, true
}

// send writes one event; data is put on lines of its own.
func (s *stream) send(id int64, name string, data []byte) error {
	var out bytes.Buffer
	if id > 0 {
		fmt.Fprintf(&out, "id: %d\n", id)
	}
	fmt.Fprintf(&out, "event: %s\n", name)
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		fmt.Fprintf(&out, "data: %s\n", line)
	}
	out.WriteByte('\n')
	return s.write(out.Bytes())
}

// beat writes a comment when nothing was written for a while.
func (s *stream) beat() error {
	if time.Since(s.wrote) < heartbeat {
		return nil
	}
	return s.write([]byte(": still here\n\n"))
}

func (s *stream) write(out []byte) error {
	controller := http.NewResponseController(s.w)
	_ = controller.SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders of tests have none
	if _, err := s.w.Write(out); err != nil {
		return err
	}
	s.wrote = time.Now()
	return controller.Flush()
}

// live sends the numbers of the overview every second.
func (u *ui) live(w http.ResponseWriter, r *http.Request, _ visit) error {
	s, ctx, end, ok := u.openStream(w, r)
	if !ok {
		return nil
	}
	defer end()
	beats := u.pulse.watch(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case b := <-beats:
			data, err := json.Marshal(b)
			if err != nil {
				return nil // numbers always encode
			}
			if _, err := u.visitor(r); err != nil {
				return nil // signed out meanwhile
			}
			if err := s.send(0, "beat", data); err != nil {
				return nil // the reader is gone
			}
		}
	}
}
