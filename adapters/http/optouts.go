package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// optOut is the consent of a number as clients see it.
type optOut struct {
	Number   string          `json:"number"`
	OptedOut bool            `json:"opted_out"`
	Source   string          `json:"source"`
	Keyword  *string         `json:"keyword"`
	At       time.Time       `json:"at"`
	History  []consentChange `json:"history"`
}

type consentChange struct {
	OptedOut bool      `json:"opted_out"`
	Source   string    `json:"source"`
	Keyword  *string   `json:"keyword"`
	Scope    string    `json:"scope"`
	At       time.Time `json:"at"`
	Reviewed bool      `json:"reviewed,omitempty"` // no change: somebody has looked at what was said before, and it stands
}

func optOutOf(o projections.OptOut) optOut {
	shown := optOut{
		Number: o.Number, OptedOut: o.OptedOut, Source: o.Source, Keyword: orNull(o.Keyword), At: o.At,
		History: make([]consentChange, len(o.History)),
	}
	for i, c := range o.History {
		shown.History[i] = consentChange{OptedOut: c.OptedOut, Source: c.Source, Keyword: orNull(c.Keyword), Scope: c.Scope, At: c.At, Reviewed: c.Reviewed}
	}
	return shown
}

// optOutSources are what a list of opt-outs can be asked for.
var optOutSources = []string{domain.SourceKeyword, domain.SourceText, domain.SourceProvider, domain.SourceAPI, domain.SourceOperator}

// listOptOuts answers with the numbers that have opted out, the latest first.
func (a *api) listOptOuts(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "source", "limit", "cursor")
	filter := projections.OptOutFilter{
		Tenant: caller.Tenant, Source: oneOf(q, "source", optOutSources), Limit: q.limit(), After: q.cursor(optOutList),
	}
	if q.err != nil {
		return q.err
	}
	found, next, err := a.Queries.OptOuts(r.Context(), filter)
	if err != nil {
		return err
	}
	shown := page[optOut]{Data: make([]optOut, len(found)), NextCursor: encodeCursor(optOutList, next)}
	for i, o := range found {
		shown.Data[i] = optOutOf(o)
	}
	return writeJSON(w, http.StatusOK, shown)
}

// getOptOut answers with the consent of a number, as the log has it now.
func (a *api) getOptOut(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	number, err := a.numberOf(r)
	if err != nil {
		return err
	}
	return a.showOptOut(w, r, caller, number)
}

// putOptOut opts a number out and answers with its consent.
func (a *api) putOptOut(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	return a.changeConsent(w, r, caller, a.Commands.OptOut)
}

// deleteOptOut lifts the tenant's opt-out of a number and answers with its consent,
// which may still be opted out: towards every tenant.
func (a *api) deleteOptOut(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	return a.changeConsent(w, r, caller, a.Commands.OptIn)
}

func (a *api) changeConsent(w http.ResponseWriter, r *http.Request, caller commands.Caller, change func(context.Context, commands.Caller, events.Personal) error) error {
	number, err := a.numberOf(r)
	if err != nil {
		return err
	}
	if err := change(r.Context(), caller, number); err != nil {
		return err
	}
	return a.showOptOut(w, r, caller, number)
}

func (a *api) showOptOut(w http.ResponseWriter, r *http.Request, caller commands.Caller, number events.Personal) error {
	found, err := a.Queries.OptOut(r.Context(), a.Commands.Lookup.ConsentStreams(caller.Tenant, number)...)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, optOutOf(found))
}

// numberOf returns the number in the path, read as that of a recipient is.
func (a *api) numberOf(r *http.Request) (events.Personal, error) {
	number, err := a.Commands.ReadNumber(r.PathValue("number"))
	if invalid, ok := errors.AsType[commands.Invalid](err); ok {
		return "", &refusal{
			status: http.StatusUnprocessableEntity, code: invalid[0].Code, detail: "The request cannot be carried out as it is.",
			fault: &fault{Pointer: invalid[0].Pointer, In: "path", Code: invalid[0].Code, Detail: invalid[0].Detail},
		}
	}
	return number, err
}
