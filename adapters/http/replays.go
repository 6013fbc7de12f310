package api

import (
	"context"
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// replay is a replay of dead letters as clients see it.
type replay struct {
	ID             string    `json:"id"`
	Status         string    `json:"status"`
	By             string    `json:"by"`
	Reason         string    `json:"reason"`
	Rate           int       `json:"rate"`
	IncludeInDoubt bool      `json:"include_in_doubt"`
	Selected       int       `json:"selected"`
	Pending        int       `json:"pending"`
	Redriven       int       `json:"redriven"`
	Sent           int       `json:"sent"`
	Skipped        int       `json:"skipped"`
	Failed         int       `json:"failed"`
	LastChange     *change   `json:"last_change"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

func replayOf(r projections.Replay) replay {
	shown := replay{
		ID: r.ID, Status: r.Status, By: r.By, Reason: r.Reason, Rate: r.Rate, IncludeInDoubt: r.InDoubt,
		Selected: r.Selected, Pending: r.Pending(), Redriven: r.Redriven, Sent: r.Sent, Skipped: r.Skipped, Failed: r.Failed,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if c := r.Changed; c != nil {
		shown.LastChange = &change{By: c.By, Reason: orNull(c.Reason), At: c.At}
	}
	return shown
}

// replayItem is one message of a replay.
type replayItem struct {
	ID      string  `json:"id"`
	Outcome string  `json:"outcome"` // "pending", "redriven", "sent", "failed", "skipped"
	Why     *string `json:"why"`     // of what was skipped
}

// listReplays answers with the tenant's replays, newest first.
func (a *api) listReplays(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "limit", "cursor")
	limit, after := q.limit(), q.cursor(replayList)
	if q.err != nil {
		return q.err
	}
	found, next, err := a.queries(caller).Replays(r.Context(), caller.Tenant, limit, after)
	if err != nil {
		return err
	}
	shown := page[replay]{Data: make([]replay, len(found)), NextCursor: encodeCursor(replayList, next)}
	for i, f := range found {
		shown.Data[i] = replayOf(f)
	}
	return writeJSON(w, http.StatusOK, shown)
}

// getReplay answers with a replay as of now.
func (a *api) getReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	found, err := a.queries(caller).Replay(r.Context(), caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, replayOf(found))
}

// listReplayItems answers with what came of each message, in the order of the selection.
func (a *api) listReplayItems(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "limit", "cursor")
	limit, after := q.limit(), q.cursor(replayItemList)
	if q.err != nil {
		return q.err
	}
	if after == nil {
		after = &ports.Cursor{}
	}
	found, more, err := a.queries(caller).ReplayItems(r.Context(), caller.Tenant, r.PathValue("id"), after.ID, limit)
	if err != nil {
		return err
	}
	shown := page[replayItem]{Data: make([]replayItem, len(found))}
	for i, item := range found {
		shown.Data[i] = replayItem{ID: item.ID, Outcome: item.Outcome, Why: orNull(item.Why)}
		if item.Outcome == "" {
			shown.Data[i].Outcome = "pending"
		}
	}
	if more {
		shown.NextCursor = encodeCursor(replayItemList, &ports.Cursor{Key: time.UnixMicro(0), ID: found[len(found)-1].ID})
	}
	return writeJSON(w, http.StatusOK, shown)
}

func (a *api) pauseReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	return a.steerReplay(w, r, caller, a.Commands.PauseReplay)
}

func (a *api) resumeReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	return a.steerReplay(w, r, caller, a.Commands.ResumeReplay)
}

func (a *api) cancelReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	return a.steerReplay(w, r, caller, a.Commands.CancelReplay)
}

// steerReplay does what steer does, for the reason in the body where there is one,
// and answers with the replay as it stands then.
func (a *api) steerReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller, steer func(context.Context, commands.Caller, string, string) error) error {
	var reason string
	if r.ContentLength != 0 {
		if err := readJSON(w, r, maxBody, func(d *decoder) error { return readReason(d, &reason) }); err != nil {
			return err
		}
	}
	if err := steer(r.Context(), caller, r.PathValue("id"), reason); err != nil {
		return err
	}
	return a.getReplay(w, r, caller)
}
