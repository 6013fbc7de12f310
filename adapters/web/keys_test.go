package web

import (
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands"
)

func TestKeysShowWhenTheyWereUsed(t *testing.T) {
	uses := new(memory.KeyUses)
	w := newWorld(t, func(u *UI) { u.KeyUses = uses })
	ada := w.admin()
	for i := range 2 {
		key, err := w.commands.IssueKey(t.Context(), commands.Caller{Actor: "operator:ada"}, commands.IssueKey{Tenant: "acme", Scopes: []string{"admin"}})
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			continue // never used
		}
		if err := uses.Used(t.Context(), key.ID, time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	w.catchUp()
	w.get(ada, "/keys").shows(t, "Last used", "2026-01-31 08:00:00.000 UTC", `<span class="dim">never</span></td><td data-label="Expires"`)
}
