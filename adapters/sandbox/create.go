package sandbox

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a create: Messages resource, 2010-04-01.
const (
	maxBody     = 1600
	maxValidity = 36_000
	maxForm     = 64 << 10 // ours
)

var (
	e164         = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	sender       = regexp.MustCompile(`^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|[0-9A-Za-z &+_-]{1,11})$`)
	serviceSID   = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	errForm      = apiError{http.StatusBadRequest, 20001, "The body must be a form"}
	errNoBody    = apiError{http.StatusBadRequest, 21602, "Message body is required"}
	errNoSender  = apiError{http.StatusBadRequest, 21603, "A 'From' or 'MessagingServiceSid' is required"}
	errNoTo      = apiError{http.StatusBadRequest, 21604, "A 'To' phone number is required"}
	errCallback  = apiError{http.StatusBadRequest, 21609, "The 'StatusCallback' URL is not valid"}
	errTooLong   = apiError{http.StatusBadRequest, 21617, "The message body exceeds the 1600 character limit"}
	errValidity  = apiError{http.StatusBadRequest, 21624, "The 'ValidityPeriod' is not valid"}
	errService   = apiError{http.StatusBadRequest, 21705, "The Messaging Service is not valid"}
	errWriteDown = apiError{http.StatusInternalServerError, 20500, "The message could not be stored"}
)

// create takes a text on, or misbehaves as scripted.
func (s *Sandbox) create(w http.ResponseWriter, r *http.Request) {
	s.ledger.count(func(c *Counts) { c.Requests++ })
	form, err := readForm(w, r)
	if err != nil {
		writeError(w, errForm)
		return
	}
	m := s.message(form)
	fault, faulty := s.script.create(m.To)
	if !faulty {
		fault, faulty = magicFault(m.To, s.attempt(m))
	}
	if faulty && !fault.accepts() {
		s.misbehave(w, r, fault)
		return
	}
	if e, ok := refuse(form); ok {
		writeError(w, e)
		return
	}
	if err := s.ledger.accept(m); err != nil {
		writeError(w, errWriteDown)
		return
	}
	s.courier.take(plan(m, fault.Callbacks, s.config.CallbackDelay))
	switch {
	case fault.Do == Normally:
	case fault.Do == Slowly:
		if !s.wait(r.Context(), time.Duration(fault.For)) {
			cut(w)
			return
		}
	default:
		s.misbehave(w, r, fault)
		return
	}
	writeJSON(w, http.StatusCreated, s.resource(m))
}

// readForm reads a request body, which must be a form; r.ParseForm would mix in
// the query.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return nil, errors.New("not a form")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	return r.PostForm, nil
}

// message returns what form asks for. With a service the sender is chosen later.
func (s *Sandbox) message(form url.Values) Message {
	now := time.Now().UTC()
	m := Message{
		SID: newSID(), To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"),
		Callback: form.Get("StatusCallback"), AcceptedAt: now, UpdatedAt: now, Status: "queued",
	}
	if m.From == "" {
		m.Service, m.Status = form.Get("MessagingServiceSid"), "accepted"
	}
	m.MessageID, m.Attempt = reference(m.Callback)
	return m
}

// attempt returns which attempt at a text this is: by its callback, or else by
// taking every three creates to that number for one text's.
func (s *Sandbox) attempt(m Message) int {
	if m.Attempt > 0 || m.To != ToThrottled {
		return m.Attempt
	}
	return int((s.unnamed.Add(1)-1)%3) + 1
}

// refuse returns the error that Twilio answers a faulty create with, if it is one.
func refuse(form url.Values) (apiError, bool) {
	to, from, service := form.Get("To"), form.Get("From"), form.Get("MessagingServiceSid")
	validity, err := strconv.Atoi(form.Get("ValidityPeriod"))
	callback := form.Get("StatusCallback")
	switch {
	case to == "":
		return errNoTo, true
	case from == "" && service == "":
		return errNoSender, true
	case form.Get("Body") == "":
		return errNoBody, true
	case utf8.RuneCountInString(form.Get("Body")) > maxBody:
		return errTooLong, true
	case form.Has("ValidityPeriod") && (err != nil || validity < 1 || validity > maxValidity):
		return errValidity, true
	case callback != "" && !validCallback(callback):
		return errCallback, true
	case from == "" && !serviceSID.MatchString(service):
		return errService, true
	case !e164.MatchString(to):
		return magicTo["+15005550001"], true
	case from != "" && !sender.MatchString(from):
		return magicFrom["+15005550001"], true
	}
	if e, ok := magicTo[to]; ok {
		return e, true
	}
	e, ok := magicFrom[from]
	return e, ok
}

// validCallback is Twilio's rule, except that a sandbox calls back to hosts that
// are not public.
func validCallback(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") &&
		u.Hostname() != "" && !strings.Contains(u.Hostname(), "_") && len(raw) <= 4000
}
