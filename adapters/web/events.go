package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// logPage is how many events a page of the log shows.
const logPage = 100

// eventsData is a part of the log, newest first.
type eventsData struct {
	Type, Stream, Tenant, Actor, At string
	Rows                            []eventRow
	Tenants                         []string
	Head                            int64
	Newest                          bool // the head of the log is shown: it can be followed
	Older, Latest, Follow           string
	Types                           []string // that may be asked for
	Wrong                           string   // what of the filter makes no sense, and is left out below; empty: nothing
}

// Any reports whether anything is filtered.
func (d eventsData) Any() bool { return d.Type+d.Stream+d.Tenant+d.Actor+d.At != "" }

// eventRow is an event as the log's table shows it.
type eventRow struct {
	events.Recorded
	Now  time.Time
	Data string
	Meta string
	Tone string
	Gist string // what is in it, in short; nothing personal
	Link string // to the page of what it is about; empty: there is none
}

func (u *ui) row(v visit, e events.Recorded) eventRow {
	row := eventRow{Recorded: e, Now: u.Now(), Data: pretty(v, e.RawData), Meta: pretty(v, e.RawMeta), Tone: tone(strings.TrimPrefix(e.Type, "message."))}
	if strings.HasPrefix(e.Type, "message.") {
		var gist []string
		for _, fact := range tell(e).Facts {
			gist = append(gist, fact.Value)
		}
		row.Gist = clip(36, strings.Join(gist, " · "))
		row.Link = fmt.Sprintf("/messages/%s?as_of=%d", url.PathEscape(e.StreamID), e.Position)
	}
	return row
}

// readEvents reads the filter of the log, whose type may be none that there is.
func readEvents(q url.Values) (projections.EventFilter, error) {
	f := projections.EventFilter{
		Type: strings.TrimSpace(q.Get("type")), Stream: strings.TrimSpace(q.Get("stream")),
		Tenant: q.Get("tenant"), Actor: strings.TrimSpace(q.Get("actor")), Limit: logPage,
	}
	if len(f.Type) > 100 || len(f.Stream) > 200 || len(f.Tenant) > 100 || len(f.Actor) > 100 {
		return f, errBadQuery
	}
	return f, nil
}

func (u *ui) events(w http.ResponseWriter, r *http.Request, v visit) error {
	q := r.URL.Query()
	f, err := readEvents(q)
	if err != nil {
		return err
	}
	d := eventsData{Type: f.Type, Stream: f.Stream, Tenant: f.Tenant, Actor: f.Actor, At: q.Get("at")}
	if d.Tenants, err = u.Oversight.Tenants(r.Context()); err != nil {
		return err
	}
	d.Types = events.Types()
	status := http.StatusOK
	if wrong := unknownType(f); wrong != nil {
		status, d.Wrong, d.Type = http.StatusBadRequest, "That is "+wrong.Error()+".", ""
	} else if err := u.readLog(r, v, f, &d); errors.Is(err, errBadQuery) {
		status, d.Wrong, d.At = http.StatusBadRequest, "Where to begin is said by a position, as 1204, or a time in UTC, as 2026-01-31 08:00.", ""
	} else if err != nil {
		return err
	}
	q.Del("at")
	q.Del("done")
	d.Latest, d.Follow = "/events?"+q.Encode(), "/events/follow?"+q.Encode()
	return u.draw(w, status, "events", page{Title: "Events", Nav: "/events", Me: v, Data: d})
}

// unknownType returns why the type of f selects nothing, ever.
func unknownType(f projections.EventFilter) error {
	if f.Type == "" {
		return nil
	}
	return events.CheckType(f.Type)
}

// readLog fills in the rows before position "at", or the newest.
func (u *ui) readLog(r *http.Request, v visit, f projections.EventFilter, d *eventsData) error {
	head, err := u.Oversight.Queries.Store.Head(r.Context())
	if err != nil {
		return err
	}
	d.Head = head.LastPosition
	before := d.Head + 1
	if d.At != "" {
		at, err := u.position(r.Context(), d.At)
		if err != nil {
			return err
		}
		before = min(before, at+1)
	}
	d.Newest = before == d.Head+1
	found, err := u.Oversight.Latest(r.Context(), f, before)
	if err != nil {
		return err
	}
	for _, e := range found.Events {
		d.Rows = append(d.Rows, u.row(v, e))
	}
	if found.More && found.Seen > 1 {
		q := r.URL.Query()
		q.Set("at", strconv.FormatInt(found.Seen-1, 10))
		d.Older = r.URL.Path + "?" + q.Encode()
	}
	return nil
}

// position reads a position of the log, or a time: the last position by then. A
// time without an offset, as forms have it, is UTC.
func (u *ui) position(ctx context.Context, text string) (int64, error) {
	if at, err := strconv.ParseInt(text, 10, 64); err == nil && at >= 1 {
		return at, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return projections.AsOf{Time: at}.In(ctx, u.Oversight.Queries.Store)
		}
	}
	return 0, errBadQuery
}

// followEvents sends rows of the log as they come. Parameter "rows" being "no"
// sends positions alone.
func (u *ui) followEvents(w http.ResponseWriter, r *http.Request, _ visit) error {
	f, err := readEvents(r.URL.Query())
	if err != nil {
		return err
	}
	if unknownType(f) != nil {
		return errBadQuery
	}
	store := u.Oversight.Queries.Store
	head, err := store.Head(r.Context())
	if err != nil {
		return err
	}
	if f.After = head.LastPosition; r.Header.Get("Last-Event-ID") != "" {
		if after, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
			f.After = min(max(after, head.LastPosition-10*logPage), head.LastPosition) // who was long away looks anew
		}
	}
	s, ctx, end, ok := u.openStream(w, r)
	if !ok {
		return nil
	}
	defer end()
	err = s.beat()
	for err == nil && ctx.Err() == nil {
		grown := store.Changed()
		var found projections.LogPage
		if found, err = u.Oversight.Log(ctx, f); err != nil {
			break
		}
		var v visit
		if v, err = u.visitor(r); err != nil {
			break // signed out meanwhile
		}
		f.After = found.Seen
		for _, e := range found.Events {
			if err = u.sendRow(s, v, e, r.URL.Query().Get("rows") == "no"); err != nil {
				break
			}
		}
		if err == nil {
			err = s.beat()
		}
		if !found.More {
			pause(ctx, 200*time.Millisecond, nil) // many readers leave the store time for other work
			pause(ctx, time.Second, grown)
		}
	}
	return nil // the reader is gone, or comes again by itself
}

func (u *ui) sendRow(s *stream, v visit, e events.Recorded, bare bool) error {
	if bare {
		return s.send(e.Position, "row", strconv.AppendInt(nil, e.Position, 10))
	}
	var out bytes.Buffer
	if err := u.pages["events"].ExecuteTemplate(&out, "event-row", u.row(v, e)); err != nil {
		return err
	}
	return s.send(e.Position, "row", out.Bytes())
}

// audit shows what operators did.
func (u *ui) audit(w http.ResponseWriter, r *http.Request, v visit) error {
	d := eventsData{At: r.URL.Query().Get("at"), Actor: "operator"}
	if err := u.readLog(r, v, projections.EventFilter{Actor: "operator", Limit: logPage}, &d); err != nil {
		return err
	}
	return u.show(w, r, v, "audit", page{Title: "Audit", Nav: "/audit", Data: d})
}

// pause waits for d, or until early is closed or ctx ends.
func pause(ctx context.Context, d time.Duration, early <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
	}
}
