package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/adapters/http"
)

// What metrics are told becomes their labels: whatever strangers ask for, it is one
// of the routes, of a few methods, or none.
func TestStrangersCannotMakeLabels(t *testing.T) {
	source, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Paths map[string]json.RawMessage
	}
	if err := json.Unmarshal(source, &contract); err != nil {
		t.Fatal(err)
	}
	seen := map[[2]string]bool{}
	var mu sync.Mutex
	w := newWorld(t, func(s *api.Server) {
		s.Observe = func(_ context.Context, e api.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			seen[[2]string{e.Method, e.Route}] = true
		}
	})
	const strangers = 200
	for i := range strangers {
		method := []string{"GET", "DELETE", fmt.Sprintf("METHOD%d", i)}[i%3]
		for _, path := range []string{"/v1/%d", "/v1/messages/%d", "/%d/../v1/messages", "/webhooks/%d/status"} {
			w.do(method, fmt.Sprintf(path, i), "")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for labels := range seen {
		if _, known := contract.Paths[labels[1]]; !known && labels[1] != "" {
			t.Errorf("%s is no route", labels[1])
		}
	}
	if len(seen) > 12 {
		t.Errorf("%d strangers' requests make %d pairs of labels: %v", 4*strangers, len(seen), seen)
	}
}
