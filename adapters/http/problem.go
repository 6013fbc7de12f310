package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// problem is an error as the client sees it (RFC 9457). Nothing in it repeats
// what the client sent.
type problem struct {
	Type      string `json:"type"` // always "about:blank": title is the status in words
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"` // stable: clients branch on it
	Detail    string `json:"detail"`
	RequestID string `json:"request_id,omitempty"`
	Archive   string `json:"archive,omitempty"`    // where what was asked for is now
	MessageID string `json:"message_id,omitempty"` // of the message that cannot be read
	// RetryAfter is when the same text may be taken on, in seconds, as in Retry-After,
	// which an item of a batch cannot have.
	RetryAfter int     `json:"retry_after,omitempty"`
	Errors     []fault `json:"errors,omitempty"`
}

// fault is one thing wrong with a request.
type fault struct {
	Pointer string `json:"pointer"`      // JSON Pointer (RFC 6901) into the body, or to the parameter or header
	In      string `json:"in,omitempty"` // "path", "query" or "header"; empty: the body
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// refusal is an error that knows its answer.
type refusal struct {
	status int
	code   string
	detail string
	fault  *fault // nil: nothing to point at
}

// Error returns the code.
func (r *refusal) Error() string { return r.code }

// Refusals that need no more than to be said.
var (
	errNotFound         = &refusal{status: http.StatusNotFound, code: "not_found", detail: "There is no such thing."}
	errMethodNotAllowed = &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", detail: "The Allow header lists the methods of this path."}
	errMissingKey       = &refusal{status: http.StatusUnauthorized, code: "missing_key", detail: "Send an API key: Authorization: Bearer psk_…"}
	errInvalidKey       = &refusal{status: http.StatusUnauthorized, code: "invalid_key", detail: "The API key is unknown, expired or revoked."}
	errMissingScope     = &refusal{status: http.StatusForbidden, code: "missing_scope", detail: "The API key lacks the scope for this."}
	errTestKey          = &refusal{status: http.StatusForbidden, code: "test_key", detail: "Test keys see and touch test messages only; consents and received texts are people's."}
	errWrongAddress     = &refusal{status: http.StatusForbidden, code: "address_not_allowed", detail: "The API key may not be used from this address."}
	errForged           = &refusal{status: http.StatusForbidden, code: "invalid_signature", detail: "The provider's signature is missing or wrong."}
	errRateLimited      = &refusal{status: http.StatusTooManyRequests, code: "rate_limited", detail: "Too many requests; Retry-After says when to go on."}
	errQuotaExceeded    = &refusal{status: http.StatusTooManyRequests, code: commands.CodeQuotaExceeded, detail: "The tenant's messages or segments of this day (UTC) are used up; the next begins in retry_after seconds."}
	errPrefixPaused     = &refusal{status: http.StatusTooManyRequests, code: commands.CodePrefixPaused, detail: "Few of the tenant's texts to numbers that begin like this one arrive, as when somebody has them sent for their price; they are taken on again in retry_after seconds, or when an operator lifts the pause."}
	errArchived         = &refusal{status: http.StatusGone, code: "archived", detail: "The message was detached to an archive, which those have who run Pro-SMS. Nothing was sent or changed."}
	errUnreadable       = &refusal{status: http.StatusInternalServerError, code: "unreadable", detail: "A stored event of it, or the data key of its recipient, is damaged. It is held as it is, until an operator has mended it (runbook: EventsUnreadable); nothing was sent or changed, and until then asking again does not help."}
	errOverloaded       = &refusal{status: http.StatusServiceUnavailable, code: "overloaded", detail: "Too much work is under way; nothing was done."}
	errUnavailable      = &refusal{status: http.StatusServiceUnavailable, code: "unavailable", detail: "The event store cannot be reached. Repeat the request, with its Idempotency-Key."}
	errInternal         = &refusal{status: http.StatusInternalServerError, code: "internal", detail: "Something is wrong on our side; the request id leads to it in the log."}

	// errGone says that the client did not take its answer. There is nobody to tell.
	errGone = errors.New("client is gone")
)

// refusals is the only place where an error of another package becomes an answer.
var refusals = []struct {
	err error
	refusal
}{
	{projections.ErrNotFound, *errNotFound},
	{domain.ErrNotFound, *errNotFound},
	{domain.ErrClaimed, refusal{status: http.StatusConflict, code: "already_claimed", detail: "Sending has begun; the message cannot be called back."}},
	{domain.ErrFinal, refusal{status: http.StatusConflict, code: "already_final", detail: "The message has reached its final status."}},
	{domain.ErrNotDeadLettered, refusal{status: http.StatusConflict, code: "not_dead_lettered", detail: "The message is no dead letter, or no longer."}},
	{domain.ErrDiscarded, refusal{status: http.StatusConflict, code: "discarded", detail: "The dead letter was discarded; send the text anew."}},
	{domain.ErrInDoubt, refusal{status: http.StatusConflict, code: "in_doubt", detail: "The message may have been sent. With include_in_doubt it is sent again all the same, and may arrive twice."}},
	{domain.ErrNotInDoubt, refusal{status: http.StatusConflict, code: "not_in_doubt", detail: "The attempt is not in doubt, or no longer."}},
	{domain.ErrKeyEnded, refusal{status: http.StatusConflict, code: "key_ended", detail: "The key is revoked, expired, or rotated already."}},
	{domain.ErrReplayEnded, refusal{status: http.StatusConflict, code: "replay_ended", detail: "The replay is canceled or completed."}},
	{domain.ErrTooManyWebhooks, refusal{status: http.StatusConflict, code: "too_many_webhooks", detail: "The tenant has 20 endpoints; delete one first."}},
	{commands.ErrDeliveryPending, refusal{status: http.StatusConflict, code: "delivery_pending", detail: "The delivery waits for its next attempt already."}},
	{commands.ErrIdempotencyConflict, refusal{
		status: http.StatusUnprocessableEntity, code: "idempotency_conflict", detail: "The Idempotency-Key was used with another request.",
		fault: &fault{Pointer: "/Idempotency-Key", In: "header", Code: "idempotency_conflict", Detail: "use a new key for a new message"},
	}},
	{ports.ErrConflict, refusal{status: http.StatusServiceUnavailable, code: "contended", detail: "Others changed the same thing all the time; nothing was done."}},
	{events.ErrUnreadable, *errUnreadable},
	{ports.ErrUnavailable, *errUnavailable},
	{context.DeadlineExceeded, *errUnavailable},
	{context.Canceled, *errUnavailable},
}

// problemOf never shows the text of err, which is for the log. It is false where
// err is one that nobody foresaw, or that something is damaged.
func problemOf(err error) (problem, bool) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.problem(), true
	}
	if invalid, ok := errors.AsType[commands.Invalid](err); ok {
		return invalidProblem(invalid), true
	}
	if quota, ok := errors.AsType[commands.QuotaExceeded](err); ok {
		return errQuotaExceeded.after(quota.RetryAfter), true
	}
	if paused, ok := errors.AsType[commands.PrefixPaused](err); ok {
		return errPrefixPaused.after(paused.RetryAfter), true
	}
	if archived, ok := errors.AsType[ports.Archived](err); ok {
		p := errArchived.problem()
		p.Archive = archived.Archive
		return p, true
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.problem(), r.status != http.StatusInternalServerError
		}
	}
	return errInternal.problem(), false
}

func (r *refusal) problem() problem {
	p := problem{Type: "about:blank", Title: http.StatusText(r.status), Status: r.status, Code: r.code, Detail: r.detail}
	if r.fault != nil {
		p.Errors = []fault{*r.fault}
	}
	return p
}

// after is problem with when to come again.
func (r *refusal) after(d time.Duration) problem {
	p := r.problem()
	p.RetryAfter = wholeSeconds(d)
	return p
}

// invalidProblem has the code of the only fault, or "invalid_request" for several.
func invalidProblem(invalid commands.Invalid) problem {
	r := refusal{status: http.StatusUnprocessableEntity, code: "invalid_request", detail: "The request cannot be carried out as it is."}
	if len(invalid) == 1 {
		r.code = invalid[0].Code
	}
	p := r.problem()
	for _, f := range invalid {
		p.Errors = append(p.Errors, fault{Pointer: f.Pointer, Code: f.Code, Detail: f.Detail})
	}
	return p
}

// answer turns err into the answer, unless an answer has begun.
func (a *api) answer(res *response, r *http.Request, err error) {
	if res.routed && res.status != 0 || errors.Is(err, errGone) {
		return
	}
	res.routed, res.status = true, 0
	p, foreseen := problemOf(err)
	if !foreseen {
		a.log.ErrorContext(r.Context(), "answering with an internal error",
			"route", res.route, "request_id", res.requestID, "error", err)
	}
	if p.RequestID = res.requestID; p.Code == errUnreadable.code {
		p.MessageID = messageID(res, r)
	}
	h := res.Header()
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	h.Del("ETag")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(p.Code))
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfterUnavailable))
		res.refused = err
	}
	// An error means that the client is gone: there is nobody left to tell.
	_ = writeAs(res, "application/problem+json", p.Status, p)
}

// retryAfterUnavailable is when a client may ask again while the store is gone, in seconds.
const retryAfterUnavailable = 5

// challenge is how the client is asked for a key (RFC 6750, 3).
func challenge(code string) string {
	if code == errInvalidKey.code {
		return `Bearer realm="prosms", error="invalid_token"`
	}
	return `Bearer realm="prosms"`
}
