package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// maxWait is the longest that a long poll waits.
const maxWait = 60 * time.Second

// getMessage answers with a message as of now, or of the moment that as_of names.
// With If-None-Match and Prefer: wait it waits for the version to change.
func (a *api) getMessage(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	id, q := r.PathValue("id"), readQuery(r, "as_of")
	known := q.asOf()
	if q.err != nil {
		return q.err
	}
	if q.values.Has("as_of") {
		return a.getPast(w, r, caller, known)
	}
	tags := strings.Join(r.Header.Values("If-None-Match"), ",")
	ask := longPoll(r.Header, tags)
	var p *poll
	if ask.wait > 0 {
		// It listens before it looks, so that no change can fall in between.
		if p = a.polls.join(id, ask.version); p != nil {
			defer a.polls.leave(p)
		}
	}
	m, err := a.look(r.Context(), caller, id)
	if err != nil {
		return err
	}
	if p != nil && m.Version == ask.version {
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(ask.wait/time.Second)))
		if m, err = a.await(r, p, ask.wait, m); err != nil {
			return err
		}
	}
	return writeMessage(w, m, tags)
}

// writeMessage answers with m, or with nothing where its version is known.
func writeMessage(w http.ResponseWriter, m projections.Message, tags string) error {
	tag := etag(m.Version)
	w.Header().Set("ETag", tag)
	if matches(tags, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeJSON(w, http.StatusOK, messageOf(m))
}

// getPast answers with a message as it was when no more than known had happened; before
// it existed there is none.
func (a *api) getPast(w http.ResponseWriter, r *http.Request, caller commands.Caller, known func(events.Recorded) bool) error {
	ctx, cancel := context.WithTimeout(r.Context(), a.Timeout)
	defer cancel()
	recorded, err := a.queries(caller).Timeline(ctx, caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	n := 0
	for n < len(recorded) && known(recorded[n]) {
		n++
	}
	if n == 0 {
		return projections.ErrNotFound
	}
	return writeMessage(w, projections.Of[projections.Message](recorded[:n]), strings.Join(r.Header.Values("If-None-Match"), ","))
}

func (a *api) look(ctx context.Context, caller commands.Caller, id string) (projections.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	return a.queries(caller).Message(ctx, caller.Tenant, id)
}

// await returns m once it has changed, or as it is when wait is over or the
// server shuts down. Meanwhile the request does not count as work under way.
func (a *api) await(r *http.Request, p *poll, wait time.Duration, m projections.Message) (projections.Message, error) {
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(a.closing, cancel)()

	a.requests.free()
	defer func() { a.requests <- struct{}{} }()
	stream, err := a.polls.wait(ctx, p)
	if err != nil || stream == nil {
		return m, err
	}
	return projections.Of[projections.Message](stream), nil
}

// asked is a long poll: how long to wait for another version than this one.
type asked struct {
	wait    time.Duration
	version int
}

// longPoll reads Prefer: wait=20 (RFC 7240, 4.3), which counts only with the one
// version that the client knows. Preferences that make no sense are ignored.
func longPoll(h http.Header, known string) asked {
	tag := strings.TrimPrefix(strings.TrimSpace(known), "W/")
	version, err := strconv.Atoi(strings.Trim(tag, `"`))
	if err != nil || tag != etag(version) {
		return asked{}
	}
	for _, preference := range strings.Split(strings.Join(h.Values("Prefer"), ","), ",") {
		preference, _, _ = strings.Cut(preference, ";")
		name, value, _ := strings.Cut(preference, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		seconds, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
		if err != nil || seconds < 1 {
			return asked{}
		}
		return asked{wait: min(time.Duration(min(seconds, 3600))*time.Second, maxWait), version: version}
	}
	return asked{}
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// matches reports whether If-None-Match names tag, by weak comparison (RFC 9110, 13.1.2).
func matches(ifNoneMatch, tag string) bool {
	if strings.TrimSpace(ifNoneMatch) == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(ifNoneMatch, ","), func(known string) bool {
		return strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag
	})
}
