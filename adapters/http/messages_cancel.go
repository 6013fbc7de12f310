package api

import (
	"net/http"

	"github.com/pro-sms/prosms/commands"
)

// cancelMessage calls a message back and answers with it as it stands then.
func (a *api) cancelMessage(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	id := r.PathValue("id")
	if err := a.Commands.Cancel(r.Context(), caller, id); err != nil {
		return err
	}
	m, err := a.queries(caller).Message(r.Context(), caller.Tenant, id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, messageOf(m))
}
