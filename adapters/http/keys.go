package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// key is an API key as clients see it.
type key struct {
	ID         string     `json:"id"`
	Tenant     string     `json:"tenant"`
	Scopes     []string   `json:"scopes"`
	Test       bool       `json:"test"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	LastUsedAt *time.Time `json:"last_used_at"` // to about a minute
	AllowedIPs []string   `json:"allowed_ips"`
	Rate       *int       `json:"rate"`
	Successor  *string    `json:"successor"`
}

// newKey is a key together with what its holder presents, shown this once.
type newKey struct {
	key
	Key string `json:"key"`
}

func keyOf(k projections.Key) key {
	networks := k.AllowedIPs
	if networks == nil {
		networks = []string{}
	}
	var rate *int
	if k.Rate > 0 {
		rate = &k.Rate
	}
	return key{
		AllowedIPs: networks, Rate: rate, Successor: orNull(k.Successor),
		ID: k.ID, Tenant: k.Tenant, Scopes: k.Scopes, Test: k.Test,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
	}
}

// listKeys answers with the tenant's keys, newest first.
func (a *api) listKeys(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	q := readQuery(r, "limit", "cursor")
	limit, after := q.limit(), q.cursor(keyList)
	if q.err != nil {
		return q.err
	}
	found, next, err := a.queries(caller).Keys(r.Context(), caller.Tenant, limit, after)
	if err != nil {
		return err
	}
	shown := page[key]{Data: make([]key, len(found)), NextCursor: encodeCursor(keyList, next)}
	for i, k := range found {
		shown.Data[i] = keyOf(k)
	}
	if err := a.addUses(r.Context(), shown.Data); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shown)
}

// issueKey makes a key for the caller's tenant. A test key makes test keys only:
// nothing that begins with it may ever reach a real provider.
func (a *api) issueKey(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	request := commands.IssueKey{Tenant: caller.Tenant, Test: caller.Test}
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readIssueKey(d, &request) }); err != nil {
		return err
	}
	if caller.Test && !request.Test {
		return commands.Invalid{{Pointer: "/test", Code: commands.CodeInvalidValue, Detail: "a test key makes test keys only"}}
	}
	issued, err := a.Commands.IssueKey(r.Context(), caller, request)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, newKeyOf(issued))
}

func newKeyOf(k commands.IssuedKey) newKey {
	return newKey{Key: k.Secret, key: keyOf(projections.Key{
		ID: k.ID, Tenant: k.Key.Tenant, Scopes: k.Key.Scopes, Test: k.Key.Test, CreatedAt: k.CreatedAt, ExpiresAt: k.Key.ExpiresAt,
		AllowedIPs: k.Key.AllowedIPs, Rate: k.Key.Rate,
	})}
}

// rotateKey puts a new key in the place of another, which ends after the overlap:
// a day where nothing is said.
func (a *api) rotateKey(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	lasts := "24h"
	if r.ContentLength != 0 {
		if err := readJSON(w, r, maxBody, func(d *decoder) error { return readRotateKey(d, &lasts) }); err != nil {
			return err
		}
	}
	overlap, err := time.ParseDuration(lasts)
	if err != nil {
		return commands.Invalid{{Pointer: "/overlap", Code: commands.CodeInvalidValue, Detail: "a duration such as 24h or 30m"}}
	}
	id := r.PathValue("id")
	issued, err := a.Commands.RotateKey(r.Context(), caller, id, overlap)
	if err != nil {
		return err
	}
	a.keys.Forget(r.Context(), id)
	return writeJSON(w, http.StatusCreated, newKeyOf(issued))
}

func readRotateKey(d *decoder, overlap *string) error {
	return d.object(func(name []byte) error {
		if string(name) == "overlap" {
			return d.option(overlap)
		}
		return errUnknownField
	})
}

func readIssueKey(d *decoder, k *commands.IssueKey) error {
	return d.object(func(name []byte) error {
		switch string(name) {
		case "scopes":
			return d.array(func(int) error {
				k.Scopes = append(k.Scopes, "")
				return d.string(&k.Scopes[len(k.Scopes)-1])
			})
		case "test":
			return d.boolean(&k.Test)
		case "expires_at":
			return d.option(&k.ExpiresAt)
		case "allowed_ips":
			return d.array(func(int) error {
				k.AllowedIPs = append(k.AllowedIPs, "")
				return d.string(&k.AllowedIPs[len(k.AllowedIPs)-1])
			})
		case "rate":
			return d.positive(&k.Rate)
		}
		return errUnknownField
	})
}

// revokeKey ends a key. Other instances may let it in for Server.KeyTTL more.
func (a *api) revokeKey(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	id := r.PathValue("id")
	if err := a.Commands.RevokeKey(r.Context(), caller, id); err != nil {
		return err
	}
	a.keys.Forget(r.Context(), id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
