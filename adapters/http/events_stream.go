package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// Pace of an event stream.
const (
	streamFrame     = 100              // events written at once
	streamHeartbeat = 15 * time.Second // at the latest something is written
)

var errTooManyStreams = &refusal{status: http.StatusServiceUnavailable, code: "overloaded", detail: "Too many event streams are open; list the events instead."}

// streamEvents follows a tenant's part of the log as server-sent events whose ids
// are positions. It starts after Last-Event-ID, else after parameter "after", else
// at the head. A client that does not read is dropped, never its data: it goes on
// where it was. So it does when the store is gone, the server shuts down, or its
// key has been revoked meanwhile, which all end the stream.
func (a *api) streamEvents(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	filter, err := a.streamFilter(r, caller)
	if err != nil {
		return err
	}
	if !a.streams.tryTake() {
		return errTooManyStreams
	}
	defer a.streams.free()
	// From here on it is no work under way.
	a.requests.free()
	defer func() { a.requests <- struct{}{} }()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.closing, cancel)()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // or proxies hold events back
	s := &eventStream{api: a, response: w.(*response), request: r, filter: filter, caller: caller}
	if err := s.write([]byte("retry: 2000\n\n")); err != nil {
		return errGone
	}
	if err := s.follow(ctx); err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "ending an event stream", "request_id", caller.RequestID, "error", err)
	}
	return nil
}

// streamFilter reads where to start and what to show.
func (a *api) streamFilter(r *http.Request, caller commands.Caller) (projections.LogFilter, error) {
	q := readQuery(r, "after", "type")
	filter := projections.LogFilter{Tenant: caller.Tenant, After: q.position("after"), Type: q.eventType(), Limit: streamFrame}
	if q.err != nil {
		return filter, q.err
	}
	start, given := fault{Pointer: "/after", In: "query"}, q.values.Has("after")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		start = fault{Pointer: "/Last-Event-ID", In: "header"}
		if filter.After, given = parsePosition(last); !given {
			start.Code, start.Detail = commands.CodeInvalidValue, "the id of an event of this stream"
			return filter, &refusal{status: http.StatusBadRequest, code: start.Code, detail: "Last-Event-ID cannot be read.", fault: &start}
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.Timeout)
	defer cancel()
	head, err := a.inLog(ctx, filter.After, start)
	if !given {
		filter.After = head
	}
	return filter, err
}

// eventStream is one client that follows the log.
type eventStream struct {
	*api
	response *response
	request  *http.Request
	filter   projections.LogFilter
	caller   commands.Caller
	told     int64 // position that the client knows
	wrote    time.Time
}

// follow writes events until ctx ends or something fails.
func (s *eventStream) follow(ctx context.Context) error {
	s.told = s.filter.After
	for ctx.Err() == nil {
		grown, start := s.Queries.Store.Changed(), time.Now()
		more, err := s.next(ctx)
		if err != nil {
			return err
		}
		if !more {
			// The same pace as that of long polls, so that many streams leave the
			// store time for other work.
			pause(ctx, max(minPause, restRate*time.Since(start)), nil)
			pause(ctx, maxPause, grown)
		}
	}
	return nil
}

// next writes a page of events, or a heartbeat when it is time for one.
func (s *eventStream) next(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if _, _, err := s.authenticate(ctx, s.request); err != nil {
		return false, fmt.Errorf("asking for the key again: %w", err)
	}
	page, err := s.queries(s.caller).Log(ctx, s.filter)
	if err != nil {
		return false, err
	}
	s.filter.After = page.Seen
	var out []byte
	links := s.links(len(page.Events))
	for _, e := range page.Events {
		shown, err := links.show(ctx, e)
		if err != nil {
			return false, err
		}
		data, err := json.Marshal(shown)
		if err != nil {
			return false, fmt.Errorf("encoding the event at %d: %w", e.Position, err)
		}
		out = fmt.Appendf(out, "id: %d\nevent: %s\ndata: %s\n\n", e.Position, e.Type, data)
		s.told = e.Position
	}
	if len(out) == 0 && time.Since(s.wrote) >= streamHeartbeat {
		// An id alone shows nothing, but lets the client go on from there.
		out = []byte(": still here\n")
		if s.told < page.Seen {
			out = append(out, "id: "+strconv.FormatInt(page.Seen, 10)+"\n"...)
			s.told = page.Seen
		}
		out = append(out, '\n')
	}
	return page.More, s.write(out)
}

// write sends out at once; who does not take it in time is dropped.
func (s *eventStream) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	_ = s.response.controller().SetWriteDeadline(time.Now().Add(writeTimeout)) // sockets have deadlines; recorders of tests need none
	if _, err := s.response.Write(out); err != nil {
		return fmt.Errorf("writing to the client: %w", err)
	}
	s.wrote = time.Now()
	if err := s.response.controller().Flush(); err != nil {
		return fmt.Errorf("flushing to the client: %w", err)
	}
	return nil
}
