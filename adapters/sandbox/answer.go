package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// apiError is an error of Twilio's API.
type apiError struct {
	status  int
	code    int
	message string
}

var (
	errAuthenticate = apiError{http.StatusUnauthorized, 20003, "Authenticate"}
	errNotFound     = apiError{http.StatusNotFound, 20404, "The requested resource was not found"}
)

func writeError(w http.ResponseWriter, e apiError) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	writeJSON(w, e.status, map[string]any{
		"code": e.code, "message": e.message, "status": e.status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", e.code),
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// resource is a Message as the API shows it (messages-oas.json).
type resource struct {
	AccountSID          string            `json:"account_sid"`
	APIVersion          string            `json:"api_version"`
	Body                string            `json:"body"`
	DateCreated         string            `json:"date_created"` // RFC 2822, whole seconds
	DateSent            *string           `json:"date_sent"`
	DateUpdated         string            `json:"date_updated"`
	Direction           string            `json:"direction"`
	ErrorCode           *int              `json:"error_code"`
	ErrorMessage        *string           `json:"error_message"`
	From                *string           `json:"from"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	NumMedia            string            `json:"num_media"`
	NumSegments         string            `json:"num_segments"`
	Price               *string           `json:"price"`
	PriceUnit           string            `json:"price_unit"`
	SID                 string            `json:"sid"`
	Status              string            `json:"status"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
	To                  string            `json:"to"`
	URI                 string            `json:"uri"`
}

func (s *Sandbox) resource(m Message) resource {
	uri := "/2010-04-01/Accounts/" + s.config.AccountSID + "/Messages/" + m.SID
	r := resource{
		AccountSID: s.config.AccountSID, APIVersion: "2010-04-01",
		SID: m.SID, To: m.To, From: optional(m.From), MessagingServiceSID: optional(m.Service),
		Body: m.Body, NumMedia: "0", NumSegments: strconv.Itoa(segmentCount(m)),
		Direction: "outbound-api", Status: m.Status, PriceUnit: "USD",
		DateCreated: rfc2822(m.AcceptedAt), DateUpdated: rfc2822(m.UpdatedAt),
		URI:             uri + ".json",
		SubresourceURIs: map[string]string{"media": uri + "/Media.json"},
	}
	if ranks[m.Status] >= ranks["sent"] && m.Status != "canceled" {
		sent := rfc2822(m.UpdatedAt)
		r.DateSent = &sent
	}
	if m.ErrorCode != 0 {
		message := "Scripted"
		r.ErrorCode, r.ErrorMessage = &m.ErrorCode, &message
	}
	return r
}

// segmentCount is 0 until a service has chosen a sender, as at Twilio.
func segmentCount(m Message) int {
	if m.From == "" && m.Status == "accepted" {
		return 0
	}
	return segments(m.Body)
}

func rfc2822(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
