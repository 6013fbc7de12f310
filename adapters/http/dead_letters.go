package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

// deadLetter is a message that was given up as clients see it.
type deadLetter struct {
	ID             string     `json:"id"` // the message's
	Message        message    `json:"message"`
	Reason         string     `json:"reason"`
	Class          *string    `json:"class"`
	Code           *string    `json:"code"`
	Detail         *string    `json:"detail"`
	Attempts       int        `json:"attempts"`
	Group          string     `json:"group"`
	FirstFailedAt  *time.Time `json:"first_failed_at"`
	DeadLetteredAt *time.Time `json:"dead_lettered_at"`
	Replays        int        `json:"replays"`
	Discarded      *change    `json:"discarded"`
}

// change says who did something, when and why.
type change struct {
	By     string    `json:"by"`
	Reason *string   `json:"reason"`
	At     time.Time `json:"at"`
}

func deadLetterOf(d projections.DeadLetter) deadLetter {
	shown := deadLetter{
		ID: d.Message.ID, Message: messageOf(d.Message), Reason: d.Reason,
		Class: orNull(d.Class), Code: orNull(d.Code), Detail: orNull(d.Detail), Attempts: d.Attempts, Group: d.Group,
		FirstFailedAt: d.FirstFailedAt, DeadLetteredAt: d.DeadLetteredAt, Replays: d.Replays,
	}
	if c := d.Discarded; c != nil {
		shown.Discarded = &change{By: c.By, Reason: orNull(c.Reason), At: c.At}
	}
	return shown
}

// errorGroup sums up dead letters whose errors are alike.
type errorGroup struct {
	Group     string    `json:"group"`
	Class     *string   `json:"class"`
	Code      *string   `json:"code"`
	Detail    *string   `json:"detail"` // of the oldest
	Count     int       `json:"count"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// errorGroups are all groups at once.
type errorGroups struct {
	page[errorGroup]
	Complete bool `json:"complete"` // false: only the oldest 10,000 dead letters are counted
}

// listDeadLetters answers with the tenant's dead letters, the latest first, or with
// how many there are of each error.
func (a *api) listDeadLetters(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "reason", "class", "code", "group", "provider", "lane", "created_after", "created_before",
		"dead_lettered_after", "dead_lettered_before", "group_by", "limit", "cursor")
	filter := projections.DeadLetterFilter{
		Tenant:             caller.Tenant,
		Reason:             oneOf(q, "reason", domain.DeadLetterReasons),
		Class:              q.printable("class"),
		Code:               q.printable("code"),
		Group:              q.printable("group"),
		Provider:           q.printable("provider"),
		Lane:               oneOf(q, "lane", domain.Lanes),
		CreatedAfter:       q.time("created_after"),
		CreatedBefore:      q.time("created_before"),
		DeadLetteredAfter:  q.time("dead_lettered_after"),
		DeadLetteredBefore: q.time("dead_lettered_before"),
		Limit:              q.limit(),
		After:              q.cursor(deadLetterList),
	}
	grouped := oneOf(q, "group_by", []string{"error"}) != ""
	if grouped && (q.values.Has("limit") || q.values.Has("cursor")) {
		q.refuse("group_by", commands.CodeInvalidValue, "groups come all at once, without limit and cursor")
	}
	if q.err != nil {
		return q.err
	}
	if grouped {
		return a.groupDeadLetters(w, r, caller, filter)
	}
	found, next, err := a.queries(caller).DeadLetters(r.Context(), filter)
	if err != nil {
		return err
	}
	shown := page[deadLetter]{Data: make([]deadLetter, len(found)), NextCursor: encodeCursor(deadLetterList, next)}
	for i, d := range found {
		shown.Data[i] = deadLetterOf(d)
	}
	return writeJSON(w, http.StatusOK, shown)
}

func (a *api) groupDeadLetters(w http.ResponseWriter, r *http.Request, caller commands.Caller, filter projections.DeadLetterFilter) error {
	filter.Limit = domain.MaxReplay
	found, more, err := a.queries(caller).DeadLetterGroups(r.Context(), filter)
	if err != nil {
		return err
	}
	shown := errorGroups{page: page[errorGroup]{Data: make([]errorGroup, len(found))}, Complete: !more}
	for i, g := range found {
		shown.Data[i] = errorGroup{
			Group: g.Group, Class: orNull(g.Class), Code: orNull(g.Code), Detail: orNull(g.Detail),
			Count: g.Count, FirstSeen: g.FirstSeen, LastSeen: g.LastSeen,
		}
	}
	return writeJSON(w, http.StatusOK, shown)
}

// getDeadLetter answers with a message that is, or ever was, a dead letter, as of now.
func (a *api) getDeadLetter(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	d, err := a.queries(caller).DeadLetter(r.Context(), caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, deadLetterOf(d))
}

// discardDeadLetter puts a dead letter aside for good, and answers with it.
func (a *api) discardDeadLetter(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var reason string
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readReason(d, &reason) }); err != nil {
		return err
	}
	if err := a.Commands.Discard(r.Context(), caller, r.PathValue("id"), reason); err != nil {
		return err
	}
	return a.getDeadLetter(w, r, caller)
}

func readReason(d *decoder, reason *string) error {
	return d.object(func(name []byte) error {
		if string(name) == "reason" {
			return d.option(reason)
		}
		return errUnknownField
	})
}
