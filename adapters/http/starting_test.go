package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/pro-sms/prosms/adapters/http"
)

func TestAGatewayThatStartsLivesAndAsksToBeAskedAgain(t *testing.T) {
	starting := api.Starting(func(context.Context) error {
		return fmt.Errorf("dialing 10.1.2.3:5432: %w", syscall.ECONNREFUSED)
	})
	for _, tt := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/livez", http.StatusOK, `"ok"`},
		{"GET", "/readyz", http.StatusServiceUnavailable, `"unavailable"`},
		{"GET", "/readyz?verbose", http.StatusServiceUnavailable, "[-] store failed"},
		{"GET", "/readyz?verbose", http.StatusServiceUnavailable, "refused"},
		{"POST", "/v1/messages", http.StatusServiceUnavailable, `"code":"unavailable"`},
		{"POST", "/webhooks/twilio/status", http.StatusServiceUnavailable, `"code":"unavailable"`},
		{"GET", "/metrics", http.StatusServiceUnavailable, `"code":"unavailable"`},
	} {
		r := httptest.NewRecorder()
		starting.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader("{}")))
		if r.Code != tt.status || !strings.Contains(r.Body.String(), tt.says) || strings.Contains(r.Body.String(), "10.1.2.3") {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, r.Code, r.Body)
		}
		if retry := r.Header().Get("Retry-After"); strings.Contains(tt.says, "code") && (retry == "" || r.Header().Get("Content-Type") != "application/problem+json") {
			t.Errorf("%s %s: headers %v", tt.method, tt.path, r.Header())
		}
	}
}
