package porttest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// SecretStore is a fake store of secrets.
type SecretStore interface {
	http.Handler
	Put(path string, fields map[string]string)
}

// Serve serves handler to the end of the test and returns its URL.
func Serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// Secrets holds the adapter that open returns for the store at url to the laws of
// ports.Secrets. Each has a store of its own.
func Secrets(t *testing.T, store func() SecretStore, open func(t *testing.T, url string) ports.Secrets) {
	const path = "team/prosms"
	fields := map[string]string{"token": "s3cret ☃ \"quoted\"\n", "other": "x"}

	t.Run("a secret is read with its fields, and anew each time", func(t *testing.T) {
		server := store()
		secrets := open(t, Serve(t, server))
		for _, want := range []map[string]string{fields, {"token": "changed"}} {
			server.Put(path, want)
			if got, err := secrets.Read(t.Context(), path); err != nil || !maps.Equal(got, want) {
				t.Errorf("Read = %q, %v; want %q", got, err, want)
			}
		}
	})

	t.Run("what is not there is ErrNoSecret", func(t *testing.T) {
		server := store()
		server.Put(path, fields)
		if got, err := open(t, Serve(t, server)).Read(t.Context(), "team/other"); !errors.Is(err, ports.ErrNoSecret) {
			t.Errorf("Read = %d fields, %v; want ErrNoSecret", len(got), err)
		}
	})

	t.Run("a refusal and an answer that cannot be read are errors that quote nothing", func(t *testing.T) {
		for _, answer := range []struct {
			status int
			body   string
		}{{http.StatusForbidden, `{"errors":["team/prosms: s3cret"]}`}, {http.StatusOK, `{"s3cret": team/prosms`}} {
			url := Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(answer.status)
				_, _ = w.Write([]byte(answer.body))
			}))
			_, err := open(t, url).Read(t.Context(), path)
			if err == nil || errors.Is(err, ports.ErrNoSecret) {
				t.Errorf("%d: %v, want another error", answer.status, err)
			} else if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), path) {
				t.Errorf("%d: the error quotes: %v", answer.status, err)
			}
		}
	})

	t.Run("the end of ctx ends a read", func(t *testing.T) {
		asked := make(chan struct{}, 16)
		secrets := open(t, Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that its client has gone
			asked <- struct{}{}
			<-r.Context().Done()
		})))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := secrets.Read(ctx, path)
			ended <- err
		}()
		await(t, asked, "the request")
		cancel()
		if err := await(t, ended, "the end of Read"); err == nil || strings.Contains(err.Error(), path) {
			t.Errorf("Read: %v, want an error that quotes nothing", err)
		}
	})
}
