package web

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// How long a form that was sent is known, and how many are.
const (
	formLife = 15 * time.Minute
	maxForms = 100
)

// secrets are what forms made that nobody can be shown later: who sends the form of
// one page again, with the same in it, is answered as the first time, and no second
// one is made. They are kept by the instance that made them.
type secrets[T any] struct {
	now func() time.Time

	mu   sync.Mutex
	sent map[[sha256.Size]byte]*sentForm[T]
}

type sentForm[T any] struct {
	until time.Time

	making sync.Mutex
	made   bool
	secret T
}

// once returns what produce made of the form of r, which v has sent. It is made to
// its end though the browser gives up on r, as it does when a button is pressed twice.
func (s *secrets[T]) once(r *http.Request, v visit, produce func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pageTimeout)
	defer cancel()
	if r.PostForm.Get("form") == "" {
		return produce(ctx)
	}
	form := s.form(sha256.Sum256([]byte(v.Name + "\x00" + r.URL.Path + "\x00" + r.PostForm.Encode())))
	form.making.Lock()
	defer form.making.Unlock()
	if !form.made {
		secret, err := produce(ctx)
		if err != nil {
			return secret, err
		}
		form.made, form.secret = true, secret
	}
	return form.secret, nil
}

func (s *secrets[T]) form(key [sha256.Size]byte) *sentForm[T] {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil {
		s.sent = map[[sha256.Size]byte]*sentForm[T]{}
	}
	var oldest [sha256.Size]byte
	at := time.Time{}
	for key, other := range s.sent {
		if other.until.Before(now) {
			delete(s.sent, key)
		} else if at.IsZero() || other.until.Before(at) {
			oldest, at = key, other.until
		}
	}
	form, known := s.sent[key]
	if !known {
		if len(s.sent) >= maxForms {
			delete(s.sent, oldest)
		}
		form = &sentForm[T]{until: now.Add(formLife)}
		s.sent[key] = form
	}
	return form
}
