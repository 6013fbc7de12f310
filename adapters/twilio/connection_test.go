package twilio_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// rawServer hands every connection to handle, and closes it afterwards.
func rawServer(t *testing.T, handle func(net.Conn)) (baseURL string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return "http://" + listener.Addr().String()
}

func closedPort(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

func TestTheLineBetweenNotSentAndInDoubtIsTheConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		baseURL func(*testing.T) string
		want    ports.Outcome
	}{
		{
			"nobody listens", closedPort,
			ports.Outcome{Class: domain.ClassProviderWide, Detail: "connection refused"},
		},
		{
			"the name is unknown", func(*testing.T) string { return "http://no-such-host.invalid" },
			ports.Outcome{Class: domain.ClassNotSent},
		},
		{
			"the certificate is nobody's", func(t *testing.T) string {
				server := httptest.NewTLSServer(http.NotFoundHandler())
				t.Cleanup(server.Close)
				return server.URL
			},
			ports.Outcome{Class: domain.ClassNotSent, Detail: "no connection: the peer was not acceptable"},
		},
		{
			"the connection is cut before a byte was read", func(t *testing.T) string {
				return rawServer(t, func(net.Conn) {})
			},
			ports.Outcome{Class: domain.ClassInDoubt, Cause: "connection_lost"},
		},
		{
			"the connection is cut after the request was read", func(t *testing.T) string {
				return rawServer(t, func(c net.Conn) {
					if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
						_, _ = io.Copy(io.Discard, r.Body)
					}
				})
			},
			ports.Outcome{Class: domain.ClassInDoubt, Cause: "connection_lost"},
		},
		{
			"the answer is not HTTP", func(t *testing.T) string {
				return rawServer(t, func(c net.Conn) {
					if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
						_, _ = io.Copy(io.Discard, r.Body)
					}
					_, _ = io.WriteString(c, "220 smtp ready\r\n")
				})
			},
			ports.Outcome{Class: domain.ClassInDoubt, Cause: "connection_lost"},
		},
		{
			"there is no answer in time", func(t *testing.T) string {
				baseURL, _ := fakeTwilio(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				return baseURL
			},
			ports.Outcome{Class: domain.ClassInDoubt, Cause: "timeout"},
		},
		{
			"the answer stops halfway", func(t *testing.T) string {
				baseURL, _ := fakeTwilio(t, func(w http.ResponseWriter, r *http.Request) {
					reply(201, created[:10])(w, r)
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
				})
				return baseURL
			},
			ports.Outcome{Class: domain.ClassInDoubt, HTTPStatus: 201, Cause: "timeout"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := open(t, twilio.Config{BaseURL: tt.baseURL(t), Timeout: time.Second}).Send(t.Context(), text)
			if tt.want.Detail == "" {
				got.Detail = ""
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWaitingForAFreeConnectionSendsNothing(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	baseURL, requests := fakeTwilio(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
		reply(201, created)(w, r)
	})
	provider := open(t, twilio.Config{BaseURL: baseURL, Concurrency: 1})
	first := make(chan ports.Outcome, 1)
	go func() { first <- provider.Send(context.WithoutCancel(t.Context()), text) }()
	<-arrived

	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan ports.Outcome, 1)
	go func() { second <- provider.Send(ctx, text) }()
	cancel()
	if got := <-second; got.Class != domain.ClassNotSent {
		t.Errorf("the one that waited: got %+v, want not sent", got)
	}
	close(release)
	if got := <-first; got.Class != domain.ClassSent {
		t.Errorf("the one in flight: got %+v, want sent", got)
	}
	if len(requests) != 1 {
		t.Errorf("%d requests", len(requests))
	}
}

func TestACanceledCallIsInDoubt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	baseURL, _ := fakeTwilio(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	got := open(t, twilio.Config{BaseURL: baseURL}).Send(ctx, text)
	if want := (ports.Outcome{Class: domain.ClassInDoubt, Cause: "canceled"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCallsStayOnHTTP1(t *testing.T) {
	t.Parallel()
	proto := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		reply(201, created)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	provider := open(t, twilio.Config{BaseURL: server.URL})
	twilio.Trust(provider, pool)
	if got := provider.Send(t.Context(), text); got.Class != domain.ClassSent {
		t.Fatalf("got %+v", got)
	}
	if got := <-proto; got != "HTTP/1.1" {
		t.Errorf("the call went over %s", got)
	}
}

func TestAnAnswerBeyondAllBoundsFreesItsConnection(t *testing.T) {
	t.Parallel()
	baseURL, requests := fakeTwilio(t, reply(201, strings.Repeat(" ", 8<<20)))
	provider := open(t, twilio.Config{BaseURL: baseURL, Concurrency: 1, Timeout: 5 * time.Second})
	for range 2 {
		if got := provider.Send(t.Context(), text); got.Cause != "unreadable_answer" {
			t.Errorf("got %+v", got)
		}
	}
	if len(requests) != 2 {
		t.Errorf("%d requests", len(requests))
	}
}
