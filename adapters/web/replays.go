package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// operatorFor is an operator who acts for a tenant.
func operatorFor(v visit, tenant string) commands.Caller {
	return commands.Caller{Tenant: tenant, Actor: "operator:" + v.Name}
}

func replayOf(ids []string, inDoubt bool) commands.Replay {
	return commands.Replay{IDs: ids, IncludeInDoubt: inDoubt}
}

// startReplay sends a frozen selection again.
func (u *ui) startReplay(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(r.PostForm.Get("rate"))
	if err != nil {
		return errBadQuery
	}
	s, ok := u.selections.find(r.PostForm.Get("selection"), v.Name)
	if !ok {
		return errStale
	}
	request := replayOf(s.ids, s.inDoubt)
	caller.Tenant, request.Reason, request.Rate = s.tenant, caller.Reason, rate
	id, err := s.begin(func() (string, error) { return u.Commands.RequestReplay(r.Context(), caller, request) })
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/replays/"+id, http.StatusSeeOther)
	return nil
}

// redrive sends one dead letter again.
func (u *ui) redrive(w http.ResponseWriter, r *http.Request, v visit) error {
	id := r.PathValue("id")
	caller, err := u.callerFor(r, v, id)
	if err != nil {
		return err
	}
	_, err = u.Commands.RequestReplayOf(r.Context(), caller, id, commands.Replay{
		Reason: caller.Reason, IncludeInDoubt: r.PostForm.Get("in_doubt") != "",
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/messages/"+url.PathEscape(id)+"?done=redriven", http.StatusSeeOther)
	return nil
}

// discard puts a dead letter aside.
func (u *ui) discard(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := u.Commands.Discard(r.Context(), caller, id, caller.Reason); err != nil {
		return err
	}
	http.Redirect(w, r, "/messages/"+url.PathEscape(id)+"?done=discarded", http.StatusSeeOther)
	return nil
}

// replayData is a replay with what came of its items.
type replayData struct {
	Replay  projections.Replay
	Items   []events.ReplayItem
	Next    string
	Done    int // percent of the selection that is settled
	Under   int // redriven, and not settled
	Running bool
	Paused  bool
	APIURL  string
}

func (u *ui) replay(w http.ResponseWriter, r *http.Request, v visit) error {
	id, after := r.PathValue("id"), r.URL.Query().Get("after")
	replay, err := u.Oversight.Queries.Replay(r.Context(), "", id)
	if err != nil {
		return err
	}
	items, more, err := u.Oversight.Queries.ReplayItems(r.Context(), "", id, after, logPage)
	if err != nil {
		return err
	}
	d := replayData{Replay: replay, Items: items, Running: replay.Status == "running", Paused: replay.Status == "paused", APIURL: u.APIURL}
	d.Under = max(0, replay.Redriven-replay.Ended)
	if replay.Selected > 0 {
		d.Done = 100 * (replay.Sent + replay.Skipped + replay.Failed) / replay.Selected
	}
	if more {
		d.Next = "/replays/" + id + "?after=" + items[len(items)-1].ID
	}
	return u.show(w, r, v, "replay", page{Title: "Replay", Nav: "/dead-letters", Data: d})
}

// steerReplay returns the action that pauses, resumes or cancels a replay.
func (u *ui) steerReplay(steer func(ctx context.Context, caller commands.Caller, id, reason string) error) func(http.ResponseWriter, *http.Request, visit) error {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		caller, err := u.caller(r, v)
		if err != nil {
			return err
		}
		id := r.PathValue("id")
		if err := steer(r.Context(), caller, id, caller.Reason); err != nil {
			return err
		}
		http.Redirect(w, r, "/replays/"+url.PathEscape(id), http.StatusSeeOther)
		return nil
	}
}
