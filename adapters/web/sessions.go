package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"
)

// How long a session lasts, and how many there may be; the oldest goes first.
const (
	sessionLife = 12 * time.Hour
	sessionIdle = 2 * time.Hour
	maxSessions = 1000
)

const sessionCookie = "prosms_session"

// sessions are who is signed in at this instance. Only hashes of the cookies are
// kept. The zero value needs now.
type sessions struct {
	now   func() time.Time
	https bool // browsers reach the pages by TLS, whatever a request looks like here

	mu   sync.Mutex
	open map[[sha256.Size]byte]*session
}

type session struct {
	name         string
	era          int // of the operator when they signed in
	begun, asked time.Time
}

// begin signs somebody in on the answer to r.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, name string, era int) {
	secret, now := rand.Text()+rand.Text(), s.now()
	s.mu.Lock()
	if s.open == nil {
		s.open = map[[sha256.Size]byte]*session{}
	}
	for len(s.open) >= maxSessions {
		s.dropOldest()
	}
	s.open[sha256.Sum256([]byte(secret))] = &session{name: name, era: era, begun: now, asked: now}
	s.mu.Unlock()
	http.SetCookie(w, s.cookie(r, secret, int(sessionLife.Seconds())))
}

func (s *sessions) cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.https || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

func (s *sessions) dropOldest() {
	var oldest [sha256.Size]byte
	var at time.Time
	for key, open := range s.open {
		if at.IsZero() || open.asked.Before(at) {
			oldest, at = key, open.asked
		}
	}
	delete(s.open, oldest)
}

// of returns the session that r brings, if it still lasts.
func (s *sessions) of(r *http.Request) (session, bool) {
	brought, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	key, now := sha256.Sum256([]byte(brought.Value)), s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	open, ok := s.open[key]
	if !ok {
		return session{}, false
	}
	if now.Sub(open.begun) > sessionLife || now.Sub(open.asked) > sessionIdle {
		delete(s.open, key)
		return session{}, false
	}
	open.asked = now
	return *open, true
}

// end signs out.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if brought, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		delete(s.open, sha256.Sum256([]byte(brought.Value)))
		s.mu.Unlock()
	}
	http.SetCookie(w, s.cookie(r, "", -1))
}

// oneTime is a token that works once.
type oneTime struct {
	mu    sync.Mutex
	token string
}

// fits reports whether presented is the token and it is still good.
func (o *oneTime) fits(presented string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.token != "" && subtle.ConstantTimeCompare([]byte(o.token), []byte(presented)) == 1
}

// use is fits, and of those that come together true for one.
func (o *oneTime) use(presented string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.token == "" || subtle.ConstantTimeCompare([]byte(o.token), []byte(presented)) != 1 {
		return false
	}
	o.token = ""
	return true
}
