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
}

// newKey is a key together with what its holder presents, shown this once.
type newKey struct {
	key
	Key string `json:"key"`
}

func keyOf(k projections.Key) key {
	return key{
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
	return writeJSON(w, http.StatusCreated, newKey{
		key: key{
			ID: issued.ID, Tenant: issued.Key.Tenant, Scopes: issued.Key.Scopes, Test: issued.Key.Test,
			CreatedAt: issued.CreatedAt, ExpiresAt: issued.Key.ExpiresAt,
		},
		Key: issued.Secret,
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
	a.keys.Forget(id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
