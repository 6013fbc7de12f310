package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnly200IsHealthy(t *testing.T) {
	for status, healthy := range map[int]bool{
		http.StatusOK: true, http.StatusNoContent: false, http.StatusNotFound: false, http.StatusServiceUnavailable: false,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if err := check(t.Context(), server.URL); (err == nil) != healthy {
			t.Errorf("%d: got %v, want healthy: %v", status, err, healthy)
		}
		server.Close()
		if err := check(t.Context(), server.URL); err == nil {
			t.Errorf("%d: a server that is gone is healthy", status)
		}
	}
}
