// Package httpcall makes one HTTP call to a provider and draws the line that all
// providers share: whether anything can have been sent. Adapters add what they
// know of their provider's answers.
package httpcall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"syscall"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// maxAnswer is the most that is read of an answer, in bytes. A message that was
// created takes about 1 kB, a page of fifty about 60 kB.
const maxAnswer = 1 << 20

// Causes of a doubt.
const (
	CauseTimeout    = "timeout"
	CauseCanceled   = "canceled"
	CauseLost       = "connection_lost"
	CauseUnreadable = "unreadable_answer"
)

// Answer is what came of a call.
type Answer struct {
	Status    int // 0: no answer
	Header    http.Header
	Body      []byte
	Err       error // of sending, or of reading the answer; names no URL
	Connected bool  // a connection was had: from here on something may have been written
}

// Do makes one call and reads its answer, at most 1 MiB of it. The request's
// context bounds it. A request must not carry an idempotency key: net/http would
// take it as leave to send a POST again by itself.
func Do(client *http.Client, request *http.Request) Answer {
	var connected atomic.Bool
	ctx := httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return Answer{Err: withoutURL(err), Connected: connected.Load()}
	}
	defer response.Body.Close()
	a := Answer{Status: response.StatusCode, Header: response.Header, Connected: true}
	if a.Body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		a.Err = fmt.Errorf("reading answer: %w", err)
	}
	return a
}

// Success reports whether the peer said that it did what was asked.
func (a Answer) Success() bool { return a.Status >= 200 && a.Status <= 299 }

// Uncertain reports whether the status says nothing about whether the request was
// carried out.
func (a Answer) Uncertain() bool {
	return a.Status == http.StatusRequestTimeout || a.Status < 400 || a.Status > 499
}

// Unanswered is the outcome of a call without an answer. It tells one that never
// had a connection, and so wrote nothing, from one that may have written
// something. The line is conservative: having had a connection counts as having
// written.
func (a Answer) Unanswered() ports.Outcome {
	switch {
	case a.Connected:
		return ports.Outcome{Class: domain.ClassInDoubt, Cause: Cause(a.Err)}
	case errors.Is(a.Err, syscall.ECONNREFUSED):
		return ports.Outcome{Class: domain.ClassProviderWide, Detail: "connection refused"}
	}
	return ports.Outcome{Class: domain.ClassNotSent, Detail: "no connection: " + noConnection(a.Err)}
}

// Cause says why there is no answer to a request that may have been read.
func Cause(err error) string {
	switch timeout, ok := errors.AsType[net.Error](err); {
	case errors.Is(err, context.Canceled):
		return CauseCanceled
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return CauseTimeout
	}
	return CauseLost
}

// noConnection says why there was no connection, without the peer's address.
func noConnection(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the host's name is not known"
		}
		return "the host's name could not be looked up"
	}
	switch op, ok := errors.AsType[*net.OpError](err); {
	case errors.Is(err, context.Canceled):
		return "canceled while waiting for one"
	case Cause(err) == CauseTimeout:
		return "timed out"
	case ok:
		return fmt.Sprintf("%s failed", op.Op)
	}
	return "the peer was not acceptable" // TLS: certificate, version
}

// withoutURL takes the URL, whose query may hold a number, out of an error.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
