package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pro-sms/prosms/adapters/http"
)

// serve runs a server as cmd does, until stop is called.
func serve(t *testing.T, w *world, server *api.Server) (address string, stop func() error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	w.url = "http://" + listener.Addr().String()
	return listener.Addr().String(), stop
}

// served is a world whose server was started by Serve.
func served(t *testing.T, configure ...func(*api.Server)) (w *world, address string, stop func() error) {
	t.Helper()
	w, server := build(t, configure...)
	address, stop = serve(t, w, server)
	return w, address, stop
}

func TestShuttingDownAnswersLongPollsAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w, _, stop := served(t)
	id := w.accept(text())
	before := w.store.loads.Load()
	answered := make(chan answer, 1)
	go func() { answered <- w.do("GET", "/v1/messages/"+id, "", `If-None-Match: "1"`, "Prefer: wait=60") }()
	w.awaitLoads(before, 1)
	start := time.Now()
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if a := <-answered; a.status != http.StatusNotModified || time.Since(start) > 5*time.Second {
		t.Errorf("answer %d after %v", a.status, time.Since(start))
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestShuttingDownIsBounded(t *testing.T) {
	stuck, release := make(chan struct{}), make(chan struct{})
	_, address, stop := served(t, func(s *api.Server) {
		s.Grace = 50 * time.Millisecond
		s.Twilio = api.Twilio{Verify: func(string, []byte, string) bool { close(stuck); <-release; return false }}
	})
	go func() {
		if response, err := http.Post("http://"+address+"/webhooks/twilio/status", "", nil); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-stuck
	defer close(release)
	if err := stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopping: %v", err)
	}
}

func TestAnAddressThatIsTakenIsAnErrorOfRun(t *testing.T) {
	w, address, _ := served(t)
	server := &api.Server{Addr: address, Commands: w.commands}
	if err := server.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "listening: ") {
		t.Errorf("Run: %v", err)
	}
}

func TestHeadIsAnsweredLikeGetWithoutABody(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	a := w.do("HEAD", "/v1/messages/"+id, "")
	if a.status != http.StatusOK || a.body != "" || a.header.Get("ETag") != `"1"` {
		t.Errorf("answer %d %q", a.status, a.body)
	}
}

func TestABodyThatBreaksOffIsNotAccepted(t *testing.T) {
	w, address, _ := served(t)
	before := w.head()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	body := text()
	fmt.Fprintf(connection, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", w.key, len(body)+1, body)
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || !strings.Contains(line, " 400 ") || w.head() != before {
		t.Errorf("answer %q, %v", line, err)
	}
}

func TestHeadersWithoutEndAreRefused(t *testing.T) {
	_, address, _ := served(t)
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || !strings.Contains(line, " 431 ") {
		t.Errorf("answer %q, %v", line, err)
	}
}

func TestAChunkedBodyIsReadAndBounded(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]int{text(): http.StatusAccepted, text(`"reference":"` + strings.Repeat("x", 64<<10) + `"`): http.StatusRequestEntityTooLarge} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/messages", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.key)
		r.Header.Set("Content-Type", "application/json")
		if a := w.send(r, []byte(body)); a.status != want {
			t.Errorf("%d bytes: %d, want %d", len(body), a.status, want)
		}
	}
}

func TestBeyondWhatIsHandledAtOnceRequestsAreTurnedAway(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	w := newWorld(t, func(s *api.Server) {
		s.MaxRequests = 1
		s.Twilio = api.Twilio{Verify: func(string, []byte, string) bool { close(entered); <-release; return false }}
	})
	id := w.accept(text())
	done := make(chan answer, 1)
	go func() { done <- w.do("POST", "/webhooks/twilio/status", "") }()
	<-entered
	a := w.do("GET", "/v1/messages/"+id, "")
	if a.status != http.StatusServiceUnavailable || a.problem(t).Code != "overloaded" || a.header.Get("Retry-After") == "" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	if a := w.do("GET", "/livez", ""); a.status != http.StatusOK {
		t.Errorf("livez answers %d", a.status)
	}
	close(release)
	<-done
	before := w.store.loads.Load()
	go func() { done <- w.do("GET", "/v1/messages/"+id, "", `If-None-Match: "1"`, "Prefer: wait=2") }()
	w.awaitLoads(before, 1)
	for end := time.Now().Add(time.Second); ; { // who waits takes no room
		if a := w.do("GET", "/v1/messages/"+id, ""); a.status == http.StatusOK {
			break
		} else if time.Now().After(end) {
			t.Fatalf("beside one that waits: %d", a.status)
		}
	}
	if a := <-done; a.status != http.StatusNotModified {
		t.Errorf("the one that waited is answered %d", a.status)
	}
}

func TestAPanicIsAnInternalErrorAndTheServerGoesOn(t *testing.T) {
	w := newWorld(t, func(s *api.Server) {
		s.Twilio = api.Twilio{Verify: func(string, []byte, string) bool { panic("number " + number) }}
	})
	a := w.do("POST", "/webhooks/twilio/status", "")
	if a.status != http.StatusInternalServerError || a.problem(t).Code != "internal" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	if log := w.log(); !strings.Contains(log, "panicked") || strings.Contains(log, number) {
		t.Errorf("log: %s", log)
	}
	w.accept(text())
}

func TestTheAccessLogSaysWhatAndNotWhom(t *testing.T) {
	var seen []api.Exchange
	var mu sync.Mutex
	w := newWorld(t, func(s *api.Server) {
		s.Observe = func(_ context.Context, e api.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e)
		}
	})
	id := w.accept(text(), "X-Request-Id: order-7")
	w.do("GET", "/v1/messages/"+id+"?as_of=9", "")
	w.do("GET", "/v1/messages?to=%2B14155552671", "")
	w.do("GET", "/v1/opt-outs/"+number, "")
	w.do("GET", "/v1/"+number, "")
	log := w.log()
	for _, want := range []string{
		"method=POST route=/v1/messages status=202", "request_id=order-7", "route=/v1/messages/{id} status=200", "route=/v1/opt-outs/{number} status=404", `route="" status=404`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	for _, personal := range []string{"4155552671", "hello", w.key} {
		if strings.Contains(log, personal) {
			t.Errorf("the log has %s", personal)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 5 || seen[0].Route != "/v1/messages" || seen[0].Status != http.StatusAccepted || seen[4].Route != "" {
		t.Errorf("observed %+v", seen)
	}
}

func TestAnswersMayNotBeCachedNorRendered(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/v1/messages", "/v1/unknown", "/livez", "/docs"} {
		h := w.do("GET", path, "").header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
}
