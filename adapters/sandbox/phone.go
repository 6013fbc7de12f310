package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

//go:embed phone
var phoneFiles embed.FS

// phoneTexts is how many texts the phone page shows.
const phoneTexts = 50

// phonePolicy lets the page load nothing but its own two files, and lets no other
// page frame it.
const phonePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// bubble is a text as the phone page shows it.
type bubble struct {
	Message
	Time  string
	Ticks string // one: on its way, two: delivered, none: it failed
}

func (s *Sandbox) phoneRoutes() error {
	page, err := template.ParseFS(phoneFiles, "phone/phone.html")
	if err != nil {
		return fmt.Errorf("parsing phone page: %w", err)
	}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { s.phone(w, page) })
	for _, file := range []string{"phone.css", "phone.js"} {
		s.mux.HandleFunc("GET /_sandbox/"+file, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, phoneFiles, "phone/"+file)
		})
	}
	s.inboundRoute()
	return nil
}

// phone shows the newest texts, newest first.
func (s *Sandbox) phone(w http.ResponseWriter, page *template.Template) {
	found, _ := s.ledger.newest("", 0, phoneTexts, func(m *Message) bool { return !m.Deleted })
	bubbles := make([]bubble, len(found))
	for i, m := range found {
		bubbles[i] = bubble{Message: m, Time: m.AcceptedAt.Local().Format(time.TimeOnly), Ticks: ticks(m.Status)}
	}
	var out bytes.Buffer
	err := page.Execute(&out, struct {
		Bubbles []bubble
		Counts  Counts
		Faults  []Fault
		Replies bool
	}{bubbles, s.ledger.snapshot(), s.Faults(), s.config.InboundURL != ""})
	if err != nil {
		http.Error(w, "drawing page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", phonePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = out.WriteTo(w)
}

func ticks(status string) string {
	switch status {
	case "delivered", "read":
		return "✓✓"
	case "undelivered", "failed", "canceled":
		return "✗"
	}
	return "✓"
}
