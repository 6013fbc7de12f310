package web

import (
	"net/http"

	"github.com/pro-sms/prosms/migrations"
)

// systemData is how this instance is set up and whether what it needs is there.
type systemData struct {
	Checks    []checked
	About     []Fact
	Settings  []Setting
	Providers []Provider
	Lags      []lag
	Head      int64
	Applied   []migrations.Applied
	Doctor    *examination // nil: it is not offered
}

// lag is how far a view is behind the log.
type lag struct {
	Name   string
	At     int64
	Behind int64
}

func (u *ui) system(w http.ResponseWriter, r *http.Request, v visit) error {
	d := systemData{Checks: u.check(r.Context()), About: u.About, Settings: u.Settings, Providers: u.Providers}
	queries := u.Oversight.Queries
	head, err := queries.Store.Head(r.Context())
	if err != nil {
		return err
	}
	d.Head = head.LastPosition
	for _, name := range u.Projections {
		at, err := queries.Views.Checkpoint(r.Context(), name)
		if err != nil {
			return err
		}
		d.Lags = append(d.Lags, lag{name, at, max(0, d.Head-at)})
	}
	if u.Migrations != nil {
		if d.Applied, err = u.Migrations(r.Context()); err != nil {
			return err
		}
	}
	if u.Examine != nil {
		last := u.doctor.last()
		d.Doctor = &last
	}
	return u.show(w, r, v, "system", page{Title: "System", Nav: "/system", Data: d})
}
