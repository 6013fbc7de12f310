package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/webhook"
	"github.com/pro-sms/prosms/commands"
)

func post(url string) commands.WebhookPost {
	return commands.WebhookPost{
		URL: url, ID: "whd_1", At: time.Unix(1_700_000_000, 0), Body: []byte(`{"type":"message.delivered"}`),
		Secrets: [][]byte{[]byte("new"), []byte("old")},
	}
}

func signature(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(`whd_1.1700000000.{"type":"message.delivered"}`))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestAPostIsSignedWithEverySecret(t *testing.T) {
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, body = r.Header, read(t, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	answer := webhook.New(webhook.Config{AllowPrivate: true}).Post(t.Context(), post(server.URL))
	if !answer.Delivered || answer.HTTPStatus != 204 || string(body) != string(post("").Body) {
		t.Errorf("answer %+v, body %d bytes", answer, len(body))
	}
	for name, want := range map[string]string{
		"Webhook-Id": "whd_1", "Webhook-Timestamp": "1700000000", "Content-Type": "application/json",
		"Webhook-Signature": signature("new") + " " + signature("old"),
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// The vector of the specification's own libraries.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Webhook-Signature") }))
	defer server.Close()
	webhook.New(webhook.Config{AllowPrivate: true}).Post(t.Context(), commands.WebhookPost{
		URL: server.URL, ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", At: time.Unix(1614265330, 0),
		Body: []byte(`{"test": 2432232314}`), Secrets: [][]byte{secret},
	})
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestOnlyAWhole2xxIsADelivery(t *testing.T) {
	hung := make(chan struct{})
	defer close(hung)
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   commands.WebhookAnswer
	}{
		{"200 with a long answer", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, commands.WebhookAnswer{Delivered: true, HTTPStatus: 200}},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, commands.WebhookAnswer{HTTPStatus: 307, Fault: "redirect"}},
		{"410", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, commands.WebhookAnswer{HTTPStatus: 410, Fault: "http_410"}},
		{"503 with a wish", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(503)
		}, commands.WebhookAnswer{HTTPStatus: 503, Fault: "http_503", RetryAfter: 7 * time.Second}},
		{"closed without an answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, commands.WebhookAnswer{Fault: "connection_lost"}},
		{"closed in the answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, commands.WebhookAnswer{HTTPStatus: 200, Fault: "connection_lost"}},
		{"it hangs", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hung:
			case <-r.Context().Done():
			}
		}, commands.WebhookAnswer{Fault: "timeout"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("the redirect was followed")
				}
				_, _ = io.Copy(io.Discard, r.Body)
				tt.answer(w, r)
			}))
			defer server.Close()
			got := webhook.New(webhook.Config{AllowPrivate: true, Timeout: 500 * time.Millisecond}).Post(t.Context(), post(server.URL))
			if got != tt.want {
				t.Errorf("Post = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNoAddressInsideIsCalled(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{}, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			called <- struct{}{}
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := webhook.New(webhook.Config{})
	for _, host := range []string{"127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		got := client.Post(t.Context(), post("https://"+host+":"+port+"/"))
		if got.Delivered || got.Fault != "forbidden_address" && got.Fault != "unknown_host" {
			t.Errorf("%s: %+v", host, got)
		}
	}
	for _, url := range []string{"http://127.0.0.1:" + port, "https://a:b@127.0.0.1:" + port, "file:///etc/hosts", "://"} {
		if got := client.Post(t.Context(), post(url)); got.Fault != "forbidden_url" {
			t.Errorf("%s: %+v", url, got)
		}
	}
	listener.Close()
	select {
	case <-called:
		t.Error("somebody called")
	default:
	}
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return b
}
