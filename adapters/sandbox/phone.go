package sandbox

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"
)

//go:embed phone
var phoneFiles embed.FS

// What the phone page shows.
const (
	phoneTexts   = 1000 // newest, of which the phones are made
	phonePhones  = 30
	phoneShown   = 100 // bubbles of one phone
	phonePace    = 400 * time.Millisecond
	phoneBeat    = 15 * time.Second
	phoneStreams = 16
)

// phonePolicy lets the page load nothing but its own two files, and lets no other
// page frame it.
const phonePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// phoneData is the page: one phone, and the list of all.
type phoneData struct {
	Phones  []contact
	Number  string // whose phone is shown; empty: there is none yet
	Sender  string // whom it answers
	Bubbles []bubble
	Tally   Tally
	Weather weather
	All     []weather
	Replies bool
	Admin   string       // where the sender's pages are; empty: there are none
	Worker  *WorkerState // nil: there is none to kill
}

// contact is a phone in the list.
type contact struct {
	Number, Last, Time string
	Ticks              string
	Open               bool
}

// bubble is a text on the phone, or one from it.
type bubble struct {
	Body, Status, Ticks, Time, Moment string
	Sender, SID                       string
	ErrorCode                         int
	Own                               bool   // from the phone
	Fault                             string // of an own one
	at                                time.Time
}

func (s *Sandbox) phoneRoutes() error {
	page, err := template.ParseFS(phoneFiles, "phone/phone.html")
	if err != nil {
		return fmt.Errorf("parsing phone page: %w", err)
	}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.phone(w, r, page) })
	for _, file := range []string{"phone.css", "phone.js"} {
		s.mux.HandleFunc("GET /_sandbox/"+file, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, phoneFiles, "phone/"+file)
		})
	}
	var guard http.CrossOriginProtection // a form on another site must not act here
	s.mux.Handle("POST /_sandbox/inbound", guard.Handler(http.HandlerFunc(s.postInbound)))
	s.mux.Handle("POST /_sandbox/weather", guard.Handler(http.HandlerFunc(s.postWeather)))
	s.mux.Handle("POST /_sandbox/worker", guard.Handler(http.HandlerFunc(s.postWorker)))
	s.mux.HandleFunc("GET /_sandbox/changes", s.changes)
	return nil
}

// phone shows one phone with its texts, oldest first, beside the list of all.
func (s *Sandbox) phone(w http.ResponseWriter, r *http.Request, page *template.Template) {
	var out bytes.Buffer
	if err := page.Execute(&out, s.phoneData(r)); err != nil {
		http.Error(w, "drawing page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", phonePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	_, _ = out.WriteTo(w)
}

func (s *Sandbox) phoneData(r *http.Request) phoneData {
	d := phoneData{
		Number: r.URL.Query().Get("n"), Sender: DefaultFrom, Tally: s.Tally(r.Context()),
		Weather: s.weather(), All: weathers, Replies: s.config.InboundURL != "",
		Admin: s.config.AdminURL,
	}
	if s.config.Worker != nil {
		state := s.config.Worker.State()
		d.Worker = &state
	}
	found, _ := s.ledger.newest("", 0, phoneTexts, func(m *Message) bool { return !m.Deleted })
	seen := map[string]bool{}
	for _, m := range found {
		if !seen[m.To] && len(d.Phones) < phonePhones {
			seen[m.To] = true
			d.Phones = append(d.Phones, contact{Number: m.To, Last: m.Body, Time: m.AcceptedAt.Local().Format("15:04"), Ticks: ticks(m.Status)})
		}
	}
	if d.Number == "" && len(d.Phones) > 0 {
		d.Number = d.Phones[0].Number
	}
	for i := range d.Phones {
		d.Phones[i].Open = d.Phones[i].Number == d.Number
	}
	for _, m := range found {
		if m.To != d.Number || len(d.Bubbles) == phoneShown {
			continue
		}
		if len(d.Bubbles) == 0 {
			d.Sender = cmp.Or(m.From, DefaultFrom)
		}
		d.Bubbles = append(d.Bubbles, newBubble(bubble{Body: m.Body, Status: m.Status, Sender: m.From, SID: m.SID, ErrorCode: m.ErrorCode, Ticks: ticks(m.Status)}, m.AcceptedAt))
	}
	for _, own := range s.replies.of(d.Number) {
		d.Bubbles = append(d.Bubbles, newBubble(bubble{Body: own.Body, Own: true, Fault: own.Fault}, own.At))
	}
	slices.SortStableFunc(d.Bubbles, func(a, b bubble) int { return a.at.Compare(b.at) })
	return d
}

func newBubble(b bubble, at time.Time) bubble {
	b.at, b.Time, b.Moment = at, at.Local().Format(time.TimeOnly), at.UTC().Format(time.RFC3339)
	return b
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

// back is the page that a form came from.
func back(form url.Values) string {
	if n := form.Get("n"); n != "" {
		return "/?n=" + url.QueryEscape(n)
	}
	return "/"
}

// changes sends an event whenever the page would look different, a few a second at
// the most, until the reader goes or the sandbox closes.
func (s *Sandbox) changes(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	controller := http.NewResponseController(w)
	say := func(text string) bool {
		_ = controller.SetWriteDeadline(time.Now().Add(phoneBeat)) // recorders of tests have none
		_, err := fmt.Fprint(w, text)
		return err == nil && controller.Flush() == nil
	}
	changed := s.changed.wait()
	for ok := say("event: change\ndata: first\n\n"); ok; {
		beat := time.NewTimer(phoneBeat)
		select {
		case <-changed:
			changed = s.changed.wait() // before it is told, so that what comes meanwhile is told next
			ok = say("event: change\ndata: more\n\n") && s.wait(r.Context(), phonePace)
		case <-beat.C:
			ok = say(": still here\n\n")
		case <-r.Context().Done():
			ok = false
		case <-s.closing:
			ok = false
		}
		beat.Stop()
	}
}
