package httpprovider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/ports/porttest"
)

// far is a provider with an API of its own kind, on a real socket.
type far struct {
	server *httptest.Server
	quiet  chan struct{} // closed when those who keep quiet may go

	mu       sync.Mutex
	deeds    map[string]porttest.Deed
	requests int
	taken    []taken
}

type taken struct {
	ID        string `json:"id"`
	To        string `json:"to"`
	Text      string `json:"text"`
	Reference string `json:"reference"`
	Created   string `json:"created"`
}

const token = "a-token-for-tests"

func openFar(t *testing.T) *far {
	f := &far{deeds: map[string]porttest.Deed{}, quiet: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/sms", f.send)
	mux.HandleFunc("GET /v2/sms", f.list)
	f.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(f.quiet)
		f.server.Close()
	})
	return f
}

// config speaks the fake's language.
func (f *far) config() httpprovider.Config {
	return httpprovider.Config{
		Name: "acme", From: "ACME", Timeout: time.Second,
		Auth: httpprovider.Auth{Bearer: token},
		Request: httpprovider.Request{
			URL: f.server.URL + "/v2/sms",
			JSON: map[string]any{
				"to": "{to_digits}", "from": "{from}", "content": map[string]any{"text": "{body}"}, "ref": "{reference}",
				"callback": "{callback}", "ttl": "{validity}", "flash": false,
			},
		},
		Response: httpprovider.Response{
			ID: "message.id", Status: "message.state", Code: "error.code",
			Rules: []httpprovider.Rule{
				{Code: "blocked", Class: "opted_out", Note: "the recipient has opted out"},
				{Code: "no_route", Class: "unroutable"},
				{HTTPStatus: 402, Class: "provider_wide", Note: "no credit"},
				{HTTPStatus: 503, Code: "not_accepted", Class: "not_sent"},
			},
		},
		Lookup: &httpprovider.Lookup{
			Request: httpprovider.Request{URL: f.server.URL + "/v2/sms?ref={reference}"},
			List:    "messages", ID: "id", Reference: "reference", To: "to", Body: "text", Created: "created",
		},
	}
}

func (f *far) send(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		To, Ref string
		Content struct{ Text string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer "+token {
		http.Error(w, `{"error":{"code":"unexpected"}}`, http.StatusTeapot)
		return
	}
	f.mu.Lock()
	f.requests++
	deed := f.deeds["+"+asked.To]
	id := ""
	switch deed {
	case porttest.TakesOn, porttest.HangsUpAfter, porttest.FailsAfter, porttest.KeepsQuiet, porttest.AnswersNonsense:
		id = fmt.Sprintf("acme-%d", len(f.taken)+1)
		f.taken = append(f.taken, taken{id, asked.To, asked.Content.Text, asked.Ref, time.Now().UTC().Format(time.RFC3339)})
	}
	f.mu.Unlock()
	switch deed {
	case porttest.TakesOn:
		fmt.Fprintf(w, `{"message":{"id":%q,"state":"queued"}}`, id)
	case porttest.Refuses:
		http.Error(w, `{"error":{"code":"bad_number"}}`, http.StatusUnprocessableEntity)
	case porttest.Throttles:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	case porttest.LocksOut:
		w.WriteHeader(http.StatusUnauthorized)
	case porttest.FailsAfter, porttest.FailsBefore:
		w.WriteHeader(http.StatusServiceUnavailable)
	case porttest.AnswersNonsense:
		fmt.Fprint(w, "<html>")
	case porttest.KeepsQuiet:
		select {
		case <-f.quiet:
		case <-r.Context().Done():
		}
	case porttest.HangsUpAfter, porttest.HangsUpBefore:
		panic(http.ErrAbortHandler)
	}
}

func (f *far) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := []taken{}
	for _, m := range f.taken {
		if m.Reference == r.URL.Query().Get("ref") {
			found = append(found, m)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"messages": found})
}

func (f *far) Do(_ *testing.T, deed porttest.Deed, to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deeds[to] = deed
}

func (f *far) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *far) TakenOn(to string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, m := range f.taken {
		if "+"+m.To == to {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (f *far) Close() { f.server.CloseClientConnections(); f.server.Listener.Close() }
