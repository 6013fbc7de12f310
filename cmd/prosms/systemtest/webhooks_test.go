package systemtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// subscriber is a customer's server. It hangs on what comes first, until it is let go.
type subscriber struct {
	url     string
	secrets map[string][]byte // by path

	mu    sync.Mutex
	hangs bool
	hung  []string         // webhook ids that were being delivered
	heard map[string][]int // versions by path and message, each time
	ids   map[string]int   // how often a webhook id was taken
	bad   int              // posts without a good signature
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{hangs: true, secrets: map[string][]byte{}, heard: map[string][]int{}, ids: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.url = server.URL
	return s
}

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	id := r.Header.Get("Webhook-Id")
	s.mu.Lock()
	if s.hangs {
		s.hung = append(s.hung, id)
		s.mu.Unlock()
		<-r.Context().Done()
		return
	}
	defer s.mu.Unlock()
	var told struct {
		Data struct {
			Message struct{ ID string }
			Event   struct{ Version int }
		}
	}
	if json.Unmarshal(body, &told) != nil || !s.signed(r.URL.Path, r.Header, body) {
		s.bad++
	}
	if s.ids[id]++; s.ids[id] == 1 {
		key := r.URL.Path + " " + told.Data.Message.ID
		s.heard[key] = append(s.heard[key], told.Data.Event.Version)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *subscriber) signed(path string, header http.Header, body []byte) bool {
	mac := hmac.New(sha256.New, s.secrets[path])
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), body)
	return slices.Contains(strings.Fields(header.Get("Webhook-Signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func (s *subscriber) state() (hung, whole int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, versions := range s.heard {
		if slices.Equal(versions, []int{1, 2, 3, 4}) {
			whole++
		}
	}
	return len(s.hung), whole
}

func TestWebhooksSurviveAKillWhileTheyAreDelivered(t *testing.T) {
	t.Parallel()
	for _, stack := range []struct {
		name string
		full bool
	}{{"embedded", false}, {"full", true}} {
		t.Run(stack.name, func(t *testing.T) {
			s := newSubscriber(t)
			r := newRig(t, stack.full, "PROSMS_WEBHOOK_ALLOW_PRIVATE=true", "PROSMS_WEBHOOK_RETRY_DELAYS=1s,1s,1s")
			i := r.start()
			s.secrets["/endpoint"] = i.secretOf("POST", "/v1/webhooks", map[string]any{"url": s.url + "/endpoint"})
			s.secrets["/callback"] = i.secretOf("POST", "/v1/webhooks/callbacks/rotate", map[string]any{"overlap_seconds": 1})
			const n = 5
			var ids []string
			for k := range n {
				var sent struct{ ID string }
				text := map[string]any{"to": fmt.Sprintf("+1415%07d", 2_000_000+k), "body": fmt.Sprint("text ", k), "callback_url": s.url + "/callback"}
				if status, err := i.call("POST", "/v1/messages", text, &sent); err != nil || status != http.StatusAccepted {
					t.Fatal(status, err)
				}
				ids = append(ids, sent.ID)
			}
			eventually(t, 20*time.Second, "delivered", func() bool {
				return !slices.ContainsFunc(ids, func(id string) bool { return i.statusOf(id) != "delivered" })
			})
			eventually(t, 20*time.Second, "being delivered", func() bool { hung, _ := s.state(); return hung > 0 })
			i.kill()
			s.mu.Lock()
			s.hangs = false
			s.mu.Unlock()
			i = r.start()
			eventually(t, 40*time.Second, "told of all in order", func() bool { _, whole := s.state(); return whole == 2*n })
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.bad > 0 || s.ids[s.hung[0]] == 0 {
				t.Errorf("%d posts without a good signature; the one that was cut off was delivered %d times", s.bad, s.ids[s.hung[0]])
			}
		})
	}
}

// secretOf makes a request and returns the secret in its answer.
func (i *instance) secretOf(method, path string, body any) []byte {
	i.rig.t.Helper()
	var made struct{ Secret string }
	status, err := i.call(method, path, body, &made)
	if err != nil || status > 299 {
		i.rig.t.Fatalf("%s %s: %d, %v", method, path, status, err)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(made.Secret, "whsec_"))
	if err != nil || len(secret) != 32 {
		i.rig.t.Fatalf("a secret of %d bytes, %v", len(secret), err)
	}
	return secret
}
