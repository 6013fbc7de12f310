package api

import (
	"net/http"

	"github.com/pro-sms/prosms/commands"
)

// resolveMessage settles a doubt by an operator's word and answers with the message
// as it stands then.
func (a *api) resolveMessage(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request commands.Resolve
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readResolve(d, &request) }); err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := a.Commands.Resolve(r.Context(), caller, id, request); err != nil {
		return err
	}
	m, err := a.queries(caller).Message(r.Context(), caller.Tenant, id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, messageOf(m))
}

func readResolve(d *decoder, r *commands.Resolve) error {
	return d.object(func(name []byte) error {
		switch string(name) {
		case "attempt":
			return d.positive(&r.Attempt)
		case "verdict":
			return d.string(&r.Verdict)
		case "provider_message_id":
			return d.option(&r.ProviderMessageID)
		case "reason":
			return d.option(&r.Reason)
		}
		return errUnknownField
	})
}
