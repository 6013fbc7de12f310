package web

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of an export.
const (
	exportRows = 10_000
	exportPage = 500
)

// exportMessages writes what the list would show, up to exportRows, as CSV.
func (u *ui) exportMessages(w http.ResponseWriter, r *http.Request, v visit) error {
	s, err := u.readSearch(r.URL.Query())
	if err != nil {
		return err
	}
	s.filter.Limit = exportPage
	found, next, err := u.find(r.Context(), s)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="messages.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{"id", "tenant", "status", "created_at", "updated_at", "to", "from", "body", "segments", "lane", "reference", "provider", "provider_message_id", "attempts", "error"})
	for rows := 0; ; {
		for _, m := range found {
			fault := ""
			if m.LastError != nil {
				fault = strings.TrimSpace(m.LastError.Class + " " + m.LastError.Code)
			}
			_ = out.Write([]string{
				m.ID, m.Tenant, m.Status, m.CreatedAt.UTC().Format(time.RFC3339Nano), m.UpdatedAt.UTC().Format(time.RFC3339Nano),
				number(shown{v, m.To}), cell(number(shown{v, m.From})), cell(body(shown{v, m.Body})), strconv.Itoa(m.Segments), m.Lane,
				cell(m.Reference), m.Provider, m.ProviderMessageID, strconv.Itoa(len(m.Attempts)), cell(fault),
			})
		}
		out.Flush()
		if rows += len(found); next == nil || rows >= exportRows || out.Error() != nil {
			return nil
		}
		s.filter.After = next
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders of tests have none
		if found, next, err = u.find(r.Context(), s); err != nil {
			panic(http.ErrAbortHandler) // the answer has begun: cut it off, so that nobody takes it for whole
		}
	}
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
