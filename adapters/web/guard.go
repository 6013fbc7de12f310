package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// Bounds of one request.
const (
	maxForm      = 64 << 10
	pageTimeout  = 15 * time.Second
	writeTimeout = 30 * time.Second // of an answer, or of one event of a stream
)

// policy lets pages load and call nothing but this server.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// headers sets what every answer carries.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // browsers send Origin: null to forms under no-referrer
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// guard lets in who is signed in and may, and turns errors into pages.
func (u *ui) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if thrown := recover(); thrown != nil {
				if thrown == http.ErrAbortHandler {
					panic(thrown)
				}
				u.log.Error("drawing a page panicked", "route", rt.pattern, "panic", fmt.Sprintf("%T", thrown), "stack", string(debug.Stack()))
				u.errorPage(w, r, http.StatusInternalServerError, visit{}, "")
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if !rt.stream {
			ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
			defer cancel()
			r = r.WithContext(ctx)
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders of tests have none
		}
		v, err := u.visitor(r)
		switch {
		case rt.role == "":
		case err != nil && !errors.Is(err, errSignedOut):
			u.fail(w, r, rt, v, err)
			return
		case v.Name == "":
			u.askToSignIn(w, r)
			return
		case !v.Role.Includes(rt.role):
			u.errorPage(w, r, http.StatusForbidden, v, "")
			return
		}
		if err := rt.handle(w, r, v); err != nil {
			u.fail(w, r, rt, v, err)
		}
	})
}

var errSignedOut = errors.New("signed out")

// visitor returns who has the session that r brings. The log is asked each time,
// so that a removed operator is out at once.
func (u *ui) visitor(r *http.Request) (visit, error) {
	s, ok := u.sessions.of(r)
	if !ok {
		return visit{}, errSignedOut
	}
	operators, err := u.Commands.Operators(r.Context())
	if err != nil {
		return visit{}, err
	}
	operator, known := operators.ByName[s.name]
	if !known || !operator.Joined || operator.Era != s.era {
		return visit{}, errSignedOut
	}
	return visit{Name: s.name, Role: operator.Role}, nil
}

// askToSignIn sends a reader to the login page and back afterwards.
func (u *ui) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("Accept") == "text/event-stream" {
		u.errorPage(w, r, http.StatusUnauthorized, visit{}, "")
		return
	}
	to := "/login"
	if back := r.URL.RequestURI(); back != "/" {
		to += "?back=" + url.QueryEscape(back)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fail answers with a page that says what a reader can do; why stands in the log.
func (u *ui) fail(w http.ResponseWriter, r *http.Request, rt route, v visit, err error) {
	status := http.StatusInternalServerError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, projections.ErrNotFound), errors.Is(err, domain.ErrNotFound):
		status = http.StatusNotFound
	case errors.As(err, new(ports.Archived)):
		status = http.StatusGone
	case errors.Is(err, errBadQuery):
		status = http.StatusBadRequest
	case errors.Is(err, domain.ErrClaimed), errors.Is(err, domain.ErrFinal), errors.Is(err, domain.ErrLastAdmin), errors.Is(err, domain.ErrAdmitted), errors.Is(err, errStale),
		errors.Is(err, domain.ErrNotDeadLettered), errors.Is(err, domain.ErrDiscarded), errors.Is(err, domain.ErrInDoubt), errors.Is(err, domain.ErrNotInDoubt),
		errors.Is(err, domain.ErrKeyEnded), errors.As(err, new(overtaken)), errors.Is(err, commands.ErrDeliveryPending), errors.Is(err, domain.ErrReplayEnded):
		status = http.StatusConflict
	case errors.As(err, new(commands.Invalid)), errors.Is(err, errNoReason):
		status = http.StatusUnprocessableEntity
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ports.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	}
	if status >= http.StatusInternalServerError && r.Context().Err() != context.Canceled {
		u.log.WarnContext(r.Context(), "drawing a page", "route", rt.pattern, "error", err)
	}
	u.errorPage(w, r, status, v, reasonOf(err))
}

// reasonOf returns what may be told of a refusal.
func reasonOf(err error) string {
	var invalid commands.Invalid
	var archived ports.Archived
	var other overtaken
	switch {
	case errors.As(err, &other):
		return other.Error()
	case errors.As(err, &invalid):
		var parts []string
		for _, f := range invalid {
			parts = append(parts, strings.TrimPrefix(f.Pointer, "/")+": "+f.Detail)
		}
		return strings.Join(parts, "; ")
	case errors.As(err, &archived):
		return "This text came to its end long ago, and was detached to the archive " + archived.Archive + ". prosms archive attach brings it back."
	case errors.Is(err, events.ErrUnreadable):
		return "This text is held: an event of it cannot be read. It is neither sent nor given up until every event of it can be; others do not wait for it. prosms explain names the event, the runbook (EventsUnreadable) how to mend it."
	case errors.Is(err, domain.ErrClaimed):
		return "An attempt has been claimed already, so this text can no longer be canceled."
	case errors.Is(err, domain.ErrFinal):
		return "This text has already come to its end."
	case errors.Is(err, domain.ErrLastAdmin):
		return "This is the last admin. Make somebody else an admin first."
	case errors.Is(err, domain.ErrAdmitted):
		return "The identity provider decides about this operator."
	case errors.Is(err, domain.ErrNotDeadLettered):
		return "This text is no dead letter any more: it was sent again, or settled, meanwhile."
	case errors.Is(err, domain.ErrDiscarded):
		return "This text was put aside or replaced meanwhile, and stays as it is."
	case errors.Is(err, domain.ErrReplayEnded):
		return "This replay has ended already."
	case errors.Is(err, commands.ErrDeliveryPending):
		return "This delivery waits to be posted already."
	case errors.Is(err, domain.ErrInDoubt):
		return "It may have been sent already. Say that it is to be sent all the same, or leave it."
	case errors.Is(err, domain.ErrNotInDoubt):
		return "This attempt is not in doubt any more. Look at its story again."
	case errors.Is(err, domain.ErrKeyEnded):
		return "This key has ended, or has a successor already."
	case errors.Is(err, errStale):
		return "The selection is too old. Make a new dry run."
	case errors.Is(err, errNoReason):
		return "Say why: the reason is kept in the log with your name."
	}
	return ""
}
