package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// event is an entry of the log as clients see it: data and meta byte for byte as
// stored, so that digest and link can be computed again from what is shown.
type event struct {
	Position   int64           `json:"position"`
	StreamID   string          `json:"stream_id"`
	Version    int             `json:"version"`
	Type       string          `json:"type"`
	Schema     int             `json:"schema"`
	Data       json.RawMessage `json:"data"`
	Meta       json.RawMessage `json:"meta"`
	RecordedAt time.Time       `json:"recorded_at"`
	Digest     events.Hash     `json:"digest"`
	Link       events.Hash     `json:"link"` // of the commit that the event is in
}

// getTimeline answers with everything that happened to a message, oldest first.
func (a *api) getTimeline(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "as_of")
	known := q.asOf()
	if q.err != nil {
		return q.err
	}
	recorded, err := a.queries(caller).Timeline(r.Context(), caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	shown := page[event]{Data: make([]event, 0, len(recorded))}
	links := a.links(1)
	for _, e := range recorded {
		if !known(e) {
			break
		}
		one, err := links.show(r.Context(), e)
		if err != nil {
			return err
		}
		shown.Data = append(shown.Data, one)
	}
	return writeJSON(w, http.StatusOK, shown)
}

// asOf returns which events had happened at parameter "as_of", a position or an
// RFC 3339 time; all where it is not there.
func (q *query) asOf() func(events.Recorded) bool {
	if !q.has("as_of") {
		return func(events.Recorded) bool { return true }
	}
	moment, err := projections.ParseAsOf(strings.Replace(q.values.Get("as_of"), " ", "+", 1))
	if err != nil {
		q.refuse("as_of", commands.CodeInvalidValue, "a position, or an RFC 3339 date and time with its offset")
	}
	return moment.Includes
}
