package api

import (
	"net/http"

	"github.com/pro-sms/prosms/commands"
)

// preview is what sending a text would come to.
type preview struct {
	To       string   `json:"to"`
	From     *string  `json:"from"`
	Encoding string   `json:"encoding"`
	Segments int      `json:"segments"`
	ForcedBy []string `json:"forced_by"` // the characters that force UCS-2
	OptedOut bool     `json:"opted_out"`
}

// previewMessage sends nothing.
func (a *api) previewMessage(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request commands.Send
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readSend(d, &request) }); err != nil {
		return err
	}
	p, err := a.Commands.Preview(r.Context(), caller, request)
	if err != nil {
		return err
	}
	forcedBy := p.ForcedBy
	if forcedBy == nil {
		forcedBy = []string{}
	}
	return writeJSON(w, http.StatusOK, preview{
		To: string(p.Text.To), From: orNull(string(p.Text.From)), Encoding: p.Text.Encoding, Segments: p.Text.Segments,
		ForcedBy: forcedBy, OptedOut: p.OptedOut,
	})
}
