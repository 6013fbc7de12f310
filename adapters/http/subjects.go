package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
)

// forgotten says that a person was forgotten as clients see it.
type forgotten struct {
	Subject     string    `json:"subject"`
	ForgottenAt time.Time `json:"forgotten_at"`
}

// forgetSubject makes what is personal about whoever has a number unreadable. The
// number comes in the body: paths are logged by whoever stands in front of us.
func (a *api) forgetSubject(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var raw string
	err := readJSON(w, r, maxBody, func(d *decoder) error {
		return d.object(func(name []byte) error {
			if string(name) == "number" {
				return d.string(&raw)
			}
			return errUnknownField
		})
	})
	if err != nil {
		return err
	}
	number, err := a.Commands.ReadNumber(raw)
	if err != nil {
		return err
	}
	done, err := a.Commands.Forget(r.Context(), caller, number)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, forgotten{Subject: done.Subject, ForgottenAt: done.At})
}
