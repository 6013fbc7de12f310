package api

import (
	"net/http"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// page is a part of a list.
type page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"` // null after the last page
}

// listMessages answers with a tenant's messages, newest first. The list may lag
// behind the log for a moment; what is asked by id does not.
func (a *api) listMessages(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "status", "to", "reference", "lane", "created_after", "created_before", "limit", "cursor")
	filter := projections.MessageFilter{
		Tenant:        caller.Tenant,
		Status:        oneOf(q, "status", domain.Statuses),
		Lane:          oneOf(q, "lane", domain.Lanes),
		Consent:       a.recipient(q, caller.Tenant),
		Reference:     q.printable("reference"),
		CreatedAfter:  q.time("created_after"),
		CreatedBefore: q.time("created_before"),
		Limit:         q.limit(),
		After:         q.cursor(messageList),
	}
	if q.err != nil {
		return q.err
	}
	found, next, err := a.queries(caller).Messages(r.Context(), filter)
	if err != nil {
		return err
	}
	shown := page[message]{Data: make([]message, len(found)), NextCursor: encodeCursor(messageList, next)}
	for i, m := range found {
		shown.Data[i] = messageOf(m)
	}
	return writeJSON(w, http.StatusOK, shown)
}

// recipient returns what stands for the number of parameter "to" in the view,
// which knows no numbers.
func (a *api) recipient(q *query, tenant string) string {
	if !q.has("to") {
		return ""
	}
	value := q.values.Get("to")
	if rest, ok := strings.CutPrefix(value, " "); ok {
		value = "+" + rest // an unescaped plus arrives as a space
	}
	number, err := phone.Parse(value, a.Commands.Region)
	if err != nil {
		q.refuse("to", commands.CodeInvalidNumber, "not a number that texts can be sent to")
	}
	return a.Commands.Lookup.ConsentStream(tenant, events.Personal(number))
}
