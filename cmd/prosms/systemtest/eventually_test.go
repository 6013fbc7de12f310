package systemtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// busy is by how much longer than on a machine of its own something may take: others
// test on it as well. Limits end what has failed, and measure nothing.
const busy = 4

// eventually polls what happens in another process, which takes no longer than limit on
// a machine of its own.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	limit *= busy
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within %s", what, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// given counts what freeAddr has given out.
var given atomic.Uint32

const (
	lowestPort  = 20_000
	highestPort = 32_000 // from 32,768 on Linux gives them to connections
)

// freeAddr returns an address that nobody listens on, and that no connection is given
// while the gateway on it is away for a moment.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range highestPort - lowestPort {
		n := (uint32(os.Getpid())*97 + given.Add(1)) % (highestPort - lowestPort)
		addr := fmt.Sprintf("127.0.0.1:%d", lowestPort+n)
		if listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr); err == nil {
			_ = listener.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// lockedBuffer is a buffer that a process writes while a test reads.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
