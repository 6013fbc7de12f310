package sandbox

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// api guards an endpoint of Twilio's: nobody reaches it while the sandbox is
// offline, nor without the account's credentials.
func (s *Sandbox) api(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.script.offline() {
			cut(w)
			return
		}
		w.Header().Set("Twilio-Request-Id", "RQ"+newSID()[2:])
		sid, token, _ := r.BasicAuth()
		right := subtle.ConstantTimeCompare([]byte(sid), []byte(s.config.AccountSID)) &
			subtle.ConstantTimeCompare([]byte(token), []byte(s.config.AuthToken))
		switch account := r.PathValue("account"); {
		case right != 1:
			writeError(w, errAuthenticate)
		case account != "" && account != s.config.AccountSID:
			writeError(w, errNotFound)
		default:
			next(w, r)
		}
	})
}

func (s *Sandbox) unknown(w http.ResponseWriter, _ *http.Request) { writeError(w, errNotFound) }

// find returns the message that the path names, or answers 404.
func (s *Sandbox) find(w http.ResponseWriter, r *http.Request) (Message, bool) {
	sid, _ := strings.CutSuffix(r.PathValue("sid"), ".json")
	m, ok := s.ledger.get(sid)
	if !ok {
		writeError(w, errNotFound)
	}
	return m, ok
}

func (s *Sandbox) fetch(w http.ResponseWriter, r *http.Request) {
	if m, ok := s.find(w, r); ok {
		writeJSON(w, http.StatusOK, s.resource(m))
	}
}

// page is a list as the API shows it (messages-oas.json).
type page struct {
	End             int        `json:"end"`
	FirstPageURI    string     `json:"first_page_uri"`
	Messages        []resource `json:"messages"`
	NextPageURI     *string    `json:"next_page_uri"`
	Page            int        `json:"page"`
	PageSize        int        `json:"page_size"`
	PreviousPageURI *string    `json:"previous_page_uri"`
	Start           int        `json:"start"`
	URI             string     `json:"uri"`
}

// list shows messages, newest first, filtered by To and From. It knows no dates.
func (s *Sandbox) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size := number(q, "PageSize", 50, 1, 1000)
	at := number(q, "Page", 0, 0, 1_000_000)
	from := q.Get("From")
	found, more := s.ledger.newest(q.Get("To"), at*size, size, func(m *Message) bool {
		return !m.Deleted && (from == "" || m.From == from)
	})
	p := page{
		Messages: make([]resource, 0, len(found)), Page: at, PageSize: size,
		Start: at * size, End: max(at*size+len(found)-1, 0),
		URI: r.URL.RequestURI(), FirstPageURI: pageURI(r.URL, 0),
	}
	for _, m := range found {
		p.Messages = append(p.Messages, s.resource(m))
	}
	if more {
		p.NextPageURI = optional(pageURI(r.URL, at+1))
	}
	if at > 0 {
		p.PreviousPageURI = optional(pageURI(r.URL, at-1))
	}
	writeJSON(w, http.StatusOK, p)
}

func pageURI(u *url.URL, page int) string {
	q := u.Query()
	q.Set("Page", strconv.Itoa(page))
	return u.Path + "?" + q.Encode()
}

// number reads a bounded number from a query.
func number(q url.Values, name string, otherwise, least, most int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		return otherwise
	}
	return min(max(n, least), most)
}
