package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// listEvents answers with a tenant's part of the log, oldest first, from a
// position on. Its cursors are positions: next_cursor, and the position of the
// last event of the last page, may be kept for as long as one likes. Accept chooses
// the format.
func (a *api) listEvents(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "after", "cursor", "type", "limit")
	filter := projections.LogFilter{Tenant: caller.Tenant, After: q.position("after"), Type: q.eventType(), Limit: q.limit()}
	start := fault{Pointer: "/after", In: "query"}
	if q.has("cursor") {
		if q.values.Has("after") {
			q.refuse("cursor", "duplicate_parameter", "after and cursor mean the same: give one of them")
		}
		filter.After, start.Pointer = q.position("cursor"), "/cursor"
	}
	if q.err != nil {
		return q.err
	}
	found, err := a.queries(caller).Log(r.Context(), filter)
	if err != nil {
		return err
	}
	if filter.After > 0 && found.Seen == filter.After { // nothing comes after it
		if _, err := a.inLog(r.Context(), filter.After, start); err != nil {
			return err
		}
	}
	shown := page[event]{Data: make([]event, len(found.Events))}
	if found.More {
		next := strconv.FormatInt(found.Seen, 10)
		shown.NextCursor = &next
	}
	format := wanted(r, ndjson, cloudEvents)
	if format == cloudEvents {
		return a.writeCloudEvents(w, r, found.Events, shown.NextCursor)
	}
	links := a.links(len(found.Events))
	for i, e := range found.Events {
		if shown.Data[i], err = links.show(r.Context(), e); err != nil {
			return err
		}
	}
	if format == ndjson {
		return writeLines(w, r, shown)
	}
	return writeJSON(w, http.StatusOK, shown)
}

// inLog returns the head of the log, or refuses a position that the log has not
// reached, which stands at at. Who has got it from this log has seen events that are no
// longer in it: it was set back to a backup since.
func (a *api) inLog(ctx context.Context, position int64, at fault) (head int64, err error) {
	last, err := a.Queries.Store.Head(ctx)
	if err != nil || position <= last.LastPosition {
		return last.LastPosition, err
	}
	at.Code, at.Detail = "beyond_log", fmt.Sprintf("the log ends at %d", last.LastPosition)
	return 0, &refusal{
		status: http.StatusBadRequest, code: at.Code, fault: &at,
		detail: fmt.Sprintf("The log ends at position %d. If you have seen later events, it was set back to a backup: what you have of after that is no longer in it.", last.LastPosition),
	}
}

// position returns a parameter that must be a position of the log; 0 where it is
// not there.
func (q *query) position(name string) int64 {
	if !q.has(name) {
		return 0
	}
	position, ok := parsePosition(q.values.Get(name))
	if !ok {
		q.refuse(name, commands.CodeInvalidValue, "a position: a whole number from 0 on")
	}
	return position
}

func parsePosition(value string) (int64, bool) {
	position, err := strconv.ParseInt(value, 10, 64)
	return position, err == nil && position >= 0
}

// eventType returns parameter "type".
func (q *query) eventType() string {
	value := q.text("type")
	if value == "" {
		return ""
	}
	if err := events.CheckType(value); err != nil {
		q.refuse("type", commands.CodeInvalidValue, err.Error())
	}
	return value
}
