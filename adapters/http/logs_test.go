package api_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// lockedBuffer lets concurrent requests log into one buffer.
type lockedBuffer struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// log returns what was logged so far.
func (w *world) log() string {
	w.logs.mu.Lock()
	defer w.logs.mu.Unlock()
	return w.logs.log.String()
}

func TestTheLogOfARequestNamesTheMessage(t *testing.T) {
	w := newWorld(t)
	id, _ := w.do("POST", "/v1/messages", `{"to":"+14155552671","body":"hello"}`).decode(t)["id"].(string)
	w.do("GET", "/v1/messages/"+id, "")
	w.do("GET", "/v1/messages/msg_4155552671", "") // no id of ours
	w.do("GET", "/v1/messages", "")
	log := w.log()
	if n := strings.Count(log, "msg=request "); n != 4 {
		t.Fatalf("%d requests are logged:\n%s", n, log)
	}
	if n := strings.Count(log, " message="+id); n != 2 || strings.Count(log, " message=") != 2 || strings.Contains(log, "4155552671") {
		t.Errorf("%d requests name the message:\n%s", n, log)
	}
}
