package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

// acceptedMessage answers a request to send one text.
type acceptedMessage struct {
	ID        string        `json:"id"`
	Status    domain.Status `json:"status"`
	To        string        `json:"to"`
	From      *string       `json:"from"` // null: the provider's default sender
	Encoding  string        `json:"encoding"`
	Segments  int           `json:"segments"`
	Lane      string        `json:"lane"`
	CreatedAt time.Time     `json:"created_at"`
}

// sendMessage answers once the text is durable.
func (a *api) sendMessage(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return err
	}
	var request commands.Send
	if err := readJSON(w, r, maxBody, func(d *decoder) error { return readSend(d, &request) }); err != nil {
		return err
	}
	request.IdempotencyKey = key
	sent, err := a.Commands.Send(r.Context(), caller, request)
	if err != nil {
		return err
	}
	return writeSent(w, sent)
}

// writeSent answers with a message that was accepted.
func writeSent(w http.ResponseWriter, sent commands.Sent) error {
	w.Header().Set("Location", "/v1/messages/"+sent.ID)
	if sent.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	return writeJSON(w, http.StatusAccepted, acceptedMessage{
		ID: sent.ID, Status: sent.Status, To: string(sent.Text.To), From: orNull(string(sent.Text.From)),
		Encoding: sent.Text.Encoding, Segments: sent.Text.Segments, Lane: sent.Text.Lane, CreatedAt: sent.CreatedAt,
	})
}

// readSend reads the request for one text.
func readSend(d *decoder, m *commands.Send) error {
	return d.object(func(name []byte) error {
		switch string(name) {
		case "to":
			return d.string(&m.To)
		case "body":
			return d.string(&m.Body)
		case "from":
			return d.option(&m.From)
		case "send_at":
			return d.option(&m.SendAt)
		case "expires_at":
			return d.option(&m.ExpiresAt)
		case "lane":
			return d.option(&m.Lane)
		case "kind":
			return d.option(&m.Kind)
		case "reference":
			return d.option(&m.Reference)
		case "metadata":
			return d.stringMap(&m.Metadata)
		case "callback_url":
			return d.option(&m.CallbackURL)
		case "time_zone":
			return d.option(&m.TimeZone)
		}
		return errUnknownField
	})
}

// orNull returns nil for what is not there.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
