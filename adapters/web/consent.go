package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// consentData is who wants no texts, and one number's consents.
type consentData struct {
	Number  string // that was looked for
	Found   []consentHistory
	Source  string
	Sources []string
	Tenant  string
	Tenants []string
	List    []projections.OptOut
	Next    string
	APIURL  string
}

// consentHistory is a number's consent with what was ever said about it.
type consentHistory struct {
	projections.OptOut
	Said []said
}

// said is a change of a consent with who made it, and why, by the log.
type said struct {
	projections.ConsentChange
	By, Why string
}

// optOutSources are those of the list's filter; "text" is what an operator should
// look at, as it was read out of a text in free words.
var optOutSources = []string{"keyword", "text", "api", "operator", "provider"}

func (u *ui) consent(w http.ResponseWriter, r *http.Request, v visit) error {
	q := r.URL.Query()
	d := consentData{Number: q.Get("number"), Source: q.Get("source"), Tenant: q.Get("tenant"), Sources: optOutSources, APIURL: u.APIURL}
	if d.Source != "" && !slices.Contains(optOutSources, d.Source) || len(d.Number) > 64 || len(d.Tenant) > 64 {
		return errBadQuery
	}
	var err error
	if d.Tenants, err = u.Oversight.Tenants(r.Context()); err != nil {
		return err
	}
	if d.Number != "" {
		if d.Found, err = u.consentsOf(r, d.Number, d.Tenants); err != nil {
			return err
		}
	}
	f := projections.OptOutFilter{Tenant: d.Tenant, Source: d.Source, Limit: pageSize}
	if after := q.Get("after"); after != "" {
		cursor, ok := readCursor(after)
		if !ok {
			return errBadQuery
		}
		f.After = cursor
	}
	list, next, err := u.Oversight.OptOuts(r.Context(), f)
	if err != nil {
		return err
	}
	d.List = list
	if next != nil {
		q.Set("after", writeCursor(next))
		d.Next = "/consent?" + q.Encode()
	}
	return u.show(w, r, v, "consent", page{Title: "Consent", Nav: "/consent", Data: d})
}

// consentsOf returns what is known of a number towards each tenant, and towards all.
func (u *ui) consentsOf(r *http.Request, raw string, tenants []string) ([]consentHistory, error) {
	number, err := u.Commands.ReadNumber(raw)
	if err != nil {
		return nil, err
	}
	var found []consentHistory
	for _, tenant := range append([]string{commands.EveryTenant}, tenants...) {
		one, err := u.Oversight.Queries.OptOut(r.Context(), u.Commands.Lookup.ConsentStream(tenant, number))
		if errors.Is(err, projections.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		recorded, err := u.Oversight.Queries.Store.Load(r.Context(), one.ID)
		if err != nil {
			return nil, fmt.Errorf("loading a consent: %w", err)
		}
		history := consentHistory{OptOut: one}
		for i, change := range one.History {
			s := said{ConsentChange: change}
			if i < len(recorded) {
				s.By, s.Why = recorded[i].Meta.Actor, recorded[i].Meta.Reason
			}
			history.Said = append(history.Said, s)
		}
		found = append(found, history)
	}
	return found, nil
}

// changeConsent opts a number out, or in again, or takes its opt-out in free text as
// looked at, towards a tenant; towards every tenant where none is named.
func (u *ui) changeConsent(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	number, err := u.Commands.ReadNumber(r.PostForm.Get("number"))
	if err != nil {
		return err
	}
	if caller.Tenant = r.PostForm.Get("tenant"); len(caller.Tenant) > 64 {
		return errBadQuery
	}
	change, done := u.Commands.OptOut, "optedout"
	switch r.PostForm.Get("change") {
	case "in":
		change, done = u.Commands.OptIn, "optedin"
	case "review":
		change, done = u.Commands.ReviewOptOut, "reviewed"
	}
	if err := change(r.Context(), caller, number); err != nil {
		return err
	}
	http.Redirect(w, r, "/consent?done="+done, http.StatusSeeOther)
	return nil
}

// inboundData is the texts to us.
type inboundData struct {
	Texts []projections.Inbound
	Next  string
}

func (u *ui) inbound(w http.ResponseWriter, r *http.Request, v visit) error {
	after, ok := readCursor(r.URL.Query().Get("after"))
	if !ok && r.URL.Query().Has("after") {
		return errBadQuery
	}
	texts, next, err := u.Oversight.Inbound(r.Context(), pageSize, after)
	if err != nil {
		return err
	}
	d := inboundData{Texts: texts}
	if next != nil {
		d.Next = "/inbound?after=" + writeCursor(next)
	}
	return u.show(w, r, v, "inbound", page{Title: "Inbound", Nav: "/inbound", Data: d})
}
