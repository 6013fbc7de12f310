package systemtest

import (
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// weather is what a cable does to what it carries.
type weather struct {
	delay time.Duration // of each piece, at the most
	cuts  int           // one piece in so many cuts its connection; 0: none
	// deaf connections, those that carry anything meanwhile, are of no use ever
	// after: what is sent to the server arrives, and no answer comes back.
	deaf bool
	// still connections carry nothing until the weather changes.
	still bool
}

// cable is a connection to a server that can be pulled out and put back, and
// suffers from the weather.
type cable struct {
	t        *testing.T
	target   string
	addr     string
	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	copying  sync.WaitGroup

	weather weather
	changed chan struct{} // closed when weather changes
	chance  *rand.Rand
}

func newCable(t *testing.T, target string) *cable {
	c := &cable{
		t: t, target: target, addr: "127.0.0.1:0", conns: map[net.Conn]bool{},
		changed: make(chan struct{}), chance: seeded(t),
	}
	c.plug()
	t.Cleanup(func() { c.expose(weather{}); c.pull() })
	return c
}

func (c *cable) plug() {
	listener, err := new(net.ListenConfig).Listen(c.t.Context(), "tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.listener, c.addr = listener, listener.Addr().String()
	c.mu.Unlock()
	c.copying.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", c.target)
			if err != nil {
				client.Close()
				continue
			}
			c.mu.Lock()
			c.conns[client], c.conns[server] = true, true
			c.mu.Unlock()
			deaf := new(bool)
			c.copying.Go(func() { c.copy(client, server, deaf, true) })
			c.copying.Go(func() { c.copy(server, client, deaf, false) })
		}
	})
}

// copy carries bytes, answers or questions, until either end is closed. Deafness
// of a connection is guarded by the cable's lock.
func (c *cable) copy(to, from net.Conn, deaf *bool, answers bool) {
	defer func() { to.Close(); from.Close() }()
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if err != nil {
			return
		}
		delay, lost, ok := c.suffer(deaf)
		if !ok {
			return
		}
		time.Sleep(delay)
		if lost && answers {
			continue
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}

// suffer waits while the weather is still, and says what becomes of a piece; not
// ok means that its connection is cut.
func (c *cable) suffer(deaf *bool) (delay time.Duration, lost, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.weather.still {
		changed := c.changed
		c.mu.Unlock()
		<-changed
		c.mu.Lock()
	}
	w := c.weather
	*deaf = *deaf || w.deaf
	if w.delay > 0 {
		delay = time.Duration(c.chance.Int64N(int64(w.delay)))
	}
	return delay, *deaf, w.cuts == 0 || c.chance.IntN(w.cuts) > 0
}

// expose changes the weather.
func (c *cable) expose(w weather) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.weather = w
	close(c.changed)
	c.changed = make(chan struct{})
}

// pull cuts all connections and refuses new ones.
func (c *cable) pull() {
	c.mu.Lock()
	c.listener.Close()
	for conn := range c.conns {
		conn.Close()
	}
	clear(c.conns)
	c.mu.Unlock()
	c.copying.Wait()
}

// through returns address with the cable's in the place of its host.
func (c *cable) through(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		c.t.Fatal(err)
	}
	u.Host = c.addr
	return u.String()
}

func hostOf(t *testing.T, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
