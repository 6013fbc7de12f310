package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/domain"
)

// operatorsData is who may use these pages, and an invitation just made.
type operatorsData struct {
	Operators []operatorRow
	Roles     []domain.Role
	Invited   string // name
	Link      string // of the invitation; shown once
	Passwords bool
	Elsewhere bool // they can sign in at an identity provider
}

type operatorRow struct {
	Name string
	domain.Operator
}

func (u *ui) operators(w http.ResponseWriter, r *http.Request, v visit) error {
	return u.showOperators(w, r, v, operatorsData{})
}

func (u *ui) showOperators(w http.ResponseWriter, r *http.Request, v visit, d operatorsData) error {
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return err
	}
	d.Roles, d.Passwords, d.Elsewhere = domain.Roles, !u.NoPasswords, u.Identities != nil
	for _, name := range slices.Sorted(maps.Keys(operators.ByName)) {
		d.Operators = append(d.Operators, operatorRow{name, operators.ByName[name]})
	}
	return u.show(w, r, v, "operators", page{Title: "Operators", Nav: "/operators", Data: d})
}

// inviteOperator shows a link that lets somebody in: nobody can see it later.
func (u *ui) inviteOperator(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	name := strings.ToLower(strings.TrimSpace(r.PostForm.Get("name")))
	token, err := u.newLinks.once(r, v, func(ctx context.Context) (string, error) {
		return u.Commands.InviteOperator(ctx, caller, name, domain.Role(r.PostForm.Get("role")))
	})
	if err != nil {
		return err
	}
	return u.showOperators(w, r, v, operatorsData{Invited: name, Link: u.base(r) + "/join?token=" + url.QueryEscape(token)})
}

// base returns the URL under which operators reach these pages, as configured or as
// r has it.
func (u *ui) base(r *http.Request) string {
	switch {
	case u.URL != "":
		return u.URL
	case r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https":
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (u *ui) changeRole(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	if err := u.Commands.ChangeRole(r.Context(), caller, r.PathValue("name"), domain.Role(r.PostForm.Get("role"))); err != nil {
		return err
	}
	http.Redirect(w, r, "/operators?done=role", http.StatusSeeOther)
	return nil
}

func (u *ui) removeOperator(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	if err := u.Commands.RemoveOperator(r.Context(), caller, r.PathValue("name")); err != nil {
		return err
	}
	http.Redirect(w, r, "/operators?done=removed", http.StatusSeeOther)
	return nil
}
