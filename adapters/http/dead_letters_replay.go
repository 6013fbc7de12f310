package api

import (
	"fmt"
	"net/http"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

// maxReplayIDs is how many messages a request may name; a filter may select more.
const maxReplayIDs = 1000

// replayRequest is the body of a request to send dead letters again.
type replayRequest struct {
	commands.Replay
	filter *projections.DeadLetterFilter // nil: ids are named
	named  bool                          // ids are there
	dryRun bool
}

// forecast is an item of a dry run.
type forecast struct {
	ID    string          `json:"id"`
	Would domain.Prospect `json:"would"`
}

// forecasts answers a dry run.
type forecasts struct {
	Items []forecast `json:"items"`
}

// replayDeadLetters replays what a filter selects or ids name. The selection is
// made now and frozen.
func (a *api) replayDeadLetters(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request replayRequest
	err := readJSON(w, r, maxBody, func(d *decoder) error { return readReplay(d, &request, true) })
	if err == nil {
		err = a.selectReplay(r, caller, &request)
	}
	if err != nil {
		return err
	}
	if request.dryRun {
		return a.previewReplay(w, r, caller, request.Replay)
	}
	id, err := a.Commands.RequestReplay(r.Context(), caller, request.Replay)
	return a.answerReplay(w, r, caller, id, err)
}

// replayDeadLetter replays one, and refuses what would be skipped.
func (a *api) replayDeadLetter(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request replayRequest
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readReplay(d, &request, false) }); err != nil {
		return err
	}
	id := r.PathValue("id")
	if request.dryRun {
		if _, err := a.queries(caller).Message(r.Context(), caller.Tenant, id); err != nil {
			return err
		}
		request.IDs = []string{id}
		return a.previewReplay(w, r, caller, request.Replay)
	}
	replay, err := a.Commands.RequestReplayOf(r.Context(), caller, id, request.Replay)
	return a.answerReplay(w, r, caller, replay, err)
}

func (a *api) answerReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller, id string, err error) error {
	if err != nil {
		return err
	}
	replay, err := a.queries(caller).Replay(r.Context(), caller.Tenant, id)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/replays/"+id)
	return writeJSON(w, http.StatusAccepted, replayOf(replay))
}

func (a *api) previewReplay(w http.ResponseWriter, r *http.Request, caller commands.Caller, request commands.Replay) error {
	found, err := a.Commands.PreviewReplay(r.Context(), caller, request)
	if err != nil {
		return err
	}
	shown := forecasts{Items: make([]forecast, len(found))}
	for i, f := range found {
		shown.Items[i] = forecast{f.ID, f.Would}
	}
	return writeJSON(w, http.StatusOK, shown)
}

// selectReplay fills in what the filter of a request selects.
func (a *api) selectReplay(r *http.Request, caller commands.Caller, request *replayRequest) error {
	switch {
	case (request.filter != nil) == request.named:
		return commands.Invalid{{Pointer: "", Code: commands.CodeInvalidValue, Detail: "either filter or ids"}}
	case len(request.IDs) > maxReplayIDs:
		return commands.Invalid{{Pointer: "/ids", Code: commands.CodeTooMany, Detail: fmt.Sprintf("at most %d; a filter may select more", maxReplayIDs)}}
	case request.named:
		for i, id := range request.IDs {
			if !wellFormed(id) {
				return commands.Invalid{{Pointer: fmt.Sprintf("/ids/%d", i), Code: commands.CodeNotFound, Detail: "no message of yours"}}
			}
		}
		return nil
	}
	request.filter.Tenant, request.filter.Limit = caller.Tenant, domain.MaxReplay
	ids, more, err := a.queries(caller).DeadLetterIDs(r.Context(), *request.filter)
	switch {
	case err != nil:
		return err
	case more:
		return commands.Invalid{{Pointer: "/filter", Code: commands.CodeTooMany, Detail: fmt.Sprintf("it selects more than %d dead letters", domain.MaxReplay)}}
	case len(ids) == 0:
		return commands.Invalid{{Pointer: "/filter", Code: commands.CodeNotFound, Detail: "it selects no dead letter"}}
	}
	request.IDs = ids
	return nil
}

// readReplay reads a request to replay; with a selection, or for one message.
func readReplay(d *decoder, r *replayRequest, selection bool) error {
	return d.object(func(name []byte) error {
		switch field := string(name); {
		case field == "reason":
			return d.option(&r.Reason)
		case field == "include_in_doubt":
			return d.boolean(&r.IncludeInDoubt)
		case field == "dry_run":
			return d.boolean(&r.dryRun)
		case field == "rate":
			return d.positive(&r.Rate)
		case !selection:
		case field == "filter":
			r.filter = &projections.DeadLetterFilter{}
			return readDeadLetterFilter(d, r.filter)
		case field == "ids":
			r.named = true
			return d.array(func(int) error {
				r.IDs = append(r.IDs, "")
				return d.string(&r.IDs[len(r.IDs)-1])
			})
		}
		return errUnknownField
	})
}

func readDeadLetterFilter(d *decoder, f *projections.DeadLetterFilter) error {
	return d.object(func(name []byte) error {
		switch string(name) {
		case "reason":
			return d.option(&f.Reason)
		case "class":
			return d.option(&f.Class)
		case "code":
			return d.option(&f.Code)
		case "group":
			return d.option(&f.Group)
		case "provider":
			return d.option(&f.Provider)
		case "lane":
			return d.option(&f.Lane)
		case "created_after":
			return d.time(&f.CreatedAfter)
		case "created_before":
			return d.time(&f.CreatedBefore)
		case "dead_lettered_after":
			return d.time(&f.DeadLetteredAfter)
		case "dead_lettered_before":
			return d.time(&f.DeadLetteredBefore)
		}
		return errUnknownField
	})
}
