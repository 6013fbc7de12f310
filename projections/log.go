package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pro-sms/prosms/events"
)

// LogFilter selects events of one tenant from the log. What belongs to no tenant
// is never among them.
type LogFilter struct {
	Tenant string
	After  int64  // position; only what comes after it
	Type   string // "message.delivered", or a group of types: "message"; empty: all
	Limit  int
}

// LogPage is a part of the log. Seen is the position up to which it has looked:
// the next page comes after it. More is false when that was the head of the log.
type LogPage struct {
	Events []events.Recorded
	Seen   int64
	More   bool
}

// Bounds of one look into the log, most of which may be other tenants'.
const (
	logFrame  = 500
	logFrames = 20
)

// Log returns a page of the log, in commit order and without gaps. It looks at
// 10,000 events at the most, so a page may be empty although there is more.
func (q Queries) Log(ctx context.Context, f LogFilter) (LogPage, error) {
	return q.log(ctx, f.After, f.Limit, f.selects)
}

func (q Queries) log(ctx context.Context, after int64, limit int, selects func(events.Recorded) bool) (LogPage, error) {
	page := LogPage{Seen: after, More: true}
	for range logFrames {
		frame, err := q.read(ctx, page.Seen, logFrame)
		if err != nil {
			return LogPage{}, err
		}
		shown, err := q.shown(ctx, selects, frame)
		if err != nil {
			return LogPage{}, err
		}
		for _, e := range frame {
			if page.Seen = e.Position; !shown(e) {
				continue
			}
			if page.Events = append(page.Events, e); len(page.Events) == limit {
				return page, q.open(ctx, page.Events)
			}
		}
		if len(frame) < logFrame {
			page.More = false
			break
		}
	}
	return page, q.open(ctx, page.Events)
}

// read returns a frame of the log, to be opened once it was searched. An event in it
// that cannot be read has no payload.
func (q Queries) read(ctx context.Context, after int64, limit int) ([]events.Recorded, error) {
	frame, err := q.AsStored().Read(ctx, after, limit)
	if err = blank(err, frame); err != nil {
		return nil, fmt.Errorf("reading the log after %d: %w", after, err)
	}
	return frame, nil
}

// open makes found, of frames, readable. One that cannot be read then has no payload.
func (q Queries) open(ctx context.Context, found []events.Recorded) error {
	if q.Open == nil || len(found) == 0 {
		return nil
	}
	return blank(q.Open(ctx, found), found)
}

// blank takes the payload from what err says cannot be read, and returns it unless it
// says no more than that.
func blank(err error, recorded []events.Recorded) error {
	if !errors.Is(err, events.ErrUnreadable) {
		return err
	}
	for i, e := range recorded {
		if e.Unreadable() != nil {
			recorded[i].RawData, recorded[i].RawMeta = json.RawMessage("null"), json.RawMessage("{}")
		}
	}
	return nil
}

func (f LogFilter) selects(e events.Recorded) bool {
	if e.Meta.Tenant == "" || e.Meta.Tenant != f.Tenant {
		return false
	}
	return within(e.Type, f.Type, ".")
}

// within reports whether name is group, or begins with it and a separator; every
// name is within the empty group.
func within(name, group, separator string) bool {
	return group == "" || name == group || strings.HasPrefix(name, group+separator)
}
