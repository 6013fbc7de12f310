package rabbitmq

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a bus and the broker, and does what networks do.
type proxy struct {
	listener net.Listener
	broker   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	down    bool
	stalled chan struct{} // not nil: bytes to the broker wait until it is closed
	clients map[net.Conn]net.Conn
}

// through returns c with a proxy before its broker.
func through(t *testing.T, c Config) (Config, *proxy) {
	t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, broker: u.Host, clients: map[net.Conn]net.Conn{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.resume()
		p.cut()
		p.wg.Wait()
	})
	u.Host = listener.Addr().String()
	c.URL = u.String()
	return c, p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", p.broker)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		if p.down {
			_, _ = client.Close(), broker.Close()
		} else {
			p.clients[client] = broker
			p.wg.Go(func() { p.forward(broker, client) })
			p.wg.Go(func() { _, _ = io.Copy(client, broker); _, _ = client.Close(), broker.Close() })
		}
		p.mu.Unlock()
	}
}

// forward carries bytes to the broker, unless stalled.
func (p *proxy) forward(broker, client net.Conn) {
	defer func() { _, _ = client.Close(), broker.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := client.Read(buffer)
		p.mu.Lock()
		stalled := p.stalled
		p.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		if _, failed := broker.Write(buffer[:n]); errors.Join(err, failed) != nil {
			return
		}
	}
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, broker := range p.clients {
		_, _ = client.Close(), broker.Close()
		delete(p.clients, client)
	}
}

// fail cuts, and lets no new connection in.
func (p *proxy) fail() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.cut()
}

// heal ends fail.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// stall keeps what is written to the broker, as it does itself while an alarm is on.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = make(chan struct{})
}

// resume ends stall.
func (p *proxy) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}

// tell writes a frame of the broker's to every client; they have to be idle, or
// it could land within another one.
func (p *proxy) tell(t *testing.T, frame []byte) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for client := range p.clients {
		if _, err := client.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
}

// Frames on channel 0: class 10, method 60 with a reason, and method 61.
var (
	connectionBlocked   = []byte{1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 60, 3, 'l', 'o', 'w', 0xCE}
	connectionUnblocked = []byte{1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 61, 0xCE}
)
