package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/commands"
)

// BenchmarkSendMessage is one POST /v1/messages from the request to the answer, on
// stores in memory and without a socket.
func BenchmarkSendMessage(b *testing.B) {
	a := newAPI()
	key, err := a.Commands.IssueKey(b.Context(), commands.Caller{}, commands.IssueKey{Tenant: "acme", Scopes: []string{"messages:write"}})
	if err != nil {
		b.Fatal(err)
	}
	const body = `{"to":"+14155552671","body":"Your code is 123456.","lane":"high"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), "POST", "/v1/messages", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key.Secret)
		r.Header.Set("Content-Type", "application/json")
		recorded := httptest.NewRecorder()
		a.ServeHTTP(recorded, r)
		if recorded.Code != http.StatusAccepted {
			b.Fatal(recorded.Code, recorded.Body)
		}
	}
}
