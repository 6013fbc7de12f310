package api

import (
	"net/http"

	"github.com/pro-sms/prosms/commands"
)

// replaceDeadLetter sends another text in the place of a dead letter, and answers
// as sending does.
func (a *api) replaceDeadLetter(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request commands.Replace
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readReplace(d, &request) }); err != nil {
		return err
	}
	sent, err := a.Commands.Replace(r.Context(), caller, r.PathValue("id"), request)
	if err != nil {
		return err
	}
	return writeSent(w, sent)
}

func readReplace(d *decoder, r *commands.Replace) error {
	return d.object(func(name []byte) error {
		switch string(name) {
		case "to":
			return d.string(&r.To)
		case "body":
			return d.string(&r.Body)
		case "from":
			return d.option(&r.From)
		case "expires_at":
			return d.option(&r.ExpiresAt)
		case "reason":
			return d.option(&r.Reason)
		case "include_in_doubt":
			return d.boolean(&r.IncludeInDoubt)
		}
		return errUnknownField
	})
}
