package web

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

// keysData is the list of API keys, and the one that was just made.
type keysData struct {
	Keys   []projections.Key
	Used   map[string]time.Time // by key, to about a minute; nil: nobody notes it
	Issued *commands.IssuedKey
	Scopes []domain.Scope
	Next   string
	APIURL string
}

// Tracked reports whether it is known when keys were used.
func (d keysData) Tracked() bool { return d.Used != nil }

func (u *ui) keys(w http.ResponseWriter, r *http.Request, v visit) error {
	return u.showKeys(w, r, v, nil)
}

func (u *ui) showKeys(w http.ResponseWriter, r *http.Request, v visit, issued *commands.IssuedKey) error {
	after, ok := readCursor(r.URL.Query().Get("after"))
	if !ok && r.URL.Query().Has("after") {
		return errBadQuery
	}
	keys, next, err := u.Oversight.Queries.Keys(r.Context(), "", pageSize, after)
	if err != nil {
		return err
	}
	d := keysData{Keys: keys, Issued: issued, Scopes: domain.Scopes, APIURL: u.APIURL}
	if u.KeyUses != nil {
		ids := make([]string, len(keys))
		for i, key := range keys {
			ids[i] = key.ID
		}
		if d.Used, err = u.KeyUses.LastUsed(r.Context(), ids); err != nil {
			return err
		}
	}
	if next != nil {
		d.Next = "/keys?after=" + writeCursor(next)
	}
	return u.show(w, r, v, "keys", page{Title: "API keys", Nav: "/keys", Data: d})
}

// issueKey makes a key and shows it: nobody can see it later.
func (u *ui) issueKey(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	expires := r.PostForm.Get("expires_at")
	if expires != "" {
		expires += ":00Z"
	}
	rate, err := strconv.Atoi(cmp.Or(r.PostForm.Get("rate"), "0"))
	if err != nil {
		return errBadQuery
	}
	issued, err := u.newKeys.once(r, v, func(ctx context.Context) (commands.IssuedKey, error) {
		return u.Commands.IssueKey(ctx, caller, commands.IssueKey{
			Tenant: r.PostForm.Get("tenant"), Scopes: r.PostForm["scope"], Test: r.PostForm.Get("test") != "", ExpiresAt: expires,
			AllowedIPs: strings.FieldsFunc(r.PostForm.Get("allowed_ips"), func(c rune) bool { return c == ',' || unicode.IsSpace(c) }), Rate: rate,
		})
	})
	if err != nil {
		return err
	}
	return u.showKeys(w, r, v, &issued)
}

// rotateKey makes a key's successor and shows it; both are good for the overlap.
func (u *ui) rotateKey(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	overlap, err := time.ParseDuration(r.PostForm.Get("overlap"))
	if err != nil {
		return errBadQuery
	}
	issued, err := u.newKeys.once(r, v, func(ctx context.Context) (commands.IssuedKey, error) {
		return u.Commands.RotateKey(ctx, caller, r.PathValue("id"), overlap)
	})
	if err != nil {
		return err
	}
	return u.showKeys(w, r, v, &issued)
}

func (u *ui) revokeKey(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	if err := u.Commands.RevokeKey(r.Context(), caller, r.PathValue("id")); err != nil {
		return err
	}
	http.Redirect(w, r, "/keys?done=revoked", http.StatusSeeOther)
	return nil
}
