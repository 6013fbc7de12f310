package rabbitmq

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// connectTimeout bounds dialing, handshake and declaring together, at one node.
	connectTimeout = 30 * time.Second
	// dialTimeout is how long a machine that is gone keeps us from the next.
	dialTimeout = 5 * time.Second
	// heartbeat finds a dead broker within three times itself.
	heartbeat = 10 * time.Second
	// closeGrace is how long a broker may take to say goodbye.
	closeGrace = 2 * time.Second
)

// session is one connection, from its handshake to its end. The topology has
// been declared on it.
type session struct {
	conn     *amqp.Connection
	socket   net.Conn
	topology *topology

	lost    chan *amqp.Error
	blocked chan amqp.Blocking
}

// connect dials and declares, at the first node of the cluster that lets it: it begins
// at any, so that connections spread over all. ctx ending gives up.
func connect(ctx context.Context, c Config, name string, t *topology) (*session, error) {
	nodes := nodesOf(c.URL)
	first := rand.IntN(len(nodes))
	var fault error
	for i := range nodes {
		s, err := connectTo(ctx, nodes[(first+i)%len(nodes)], c, name, t)
		switch {
		case err == nil:
			return s, nil
		case fault == nil:
			fault = err
		default:
			fault = fmt.Errorf("%w; %w", fault, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fault
}

// connectTo is connect at one node.
func connectTo(ctx context.Context, node string, c Config, name string, t *topology) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	dialer := net.Dialer{Timeout: dialTimeout}
	socket, hangup := net.Conn(nil), func() bool { return true }
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(name)
	if c.Installation != "" {
		properties[propertyInstallation], properties[propertyPrefix] = c.Installation, c.Prefix
	}
	conn, err := amqp.DialConfig(node, amqp.Config{
		SASL:       c.sasl(ctx),
		Heartbeat:  heartbeat,
		Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			raw, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			socket = boundedWrites{raw}
			// Nothing else interrupts the library.
			hangup = context.AfterFunc(ctx, func() { _ = raw.Close() })
			return socket, nil
		},
	})
	if err != nil {
		if socket != nil {
			_ = socket.Close()
		}
		return nil, fmt.Errorf("connecting: %w", err)
	}
	s := &session{
		conn: conn, socket: socket, topology: t,
		// Both are always listened to: the library drops what nobody takes.
		lost:    conn.NotifyClose(make(chan *amqp.Error, 1)),
		blocked: conn.NotifyBlocked(make(chan amqp.Blocking, 16)),
	}
	if !c.LookOnly {
		err = s.declare()
	}
	if !hangup() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// sasl returns how to log in; nil: as the URL says.
func (c Config) sasl(ctx context.Context) []amqp.Authentication {
	if c.Login == nil {
		return nil
	}
	user := c.Login(ctx)
	password, _ := user.Password()
	return []amqp.Authentication{&amqp.PlainAuth{Username: user.Username(), Password: password}}
}

// redeclareAfter is how long a queue that somebody deleted stays deleted. RabbitMQ
// 3.10 cancels its consumers some 30 ms later; if a queue of that name is there
// again by then, they stay, and whatever is sent to them vanishes until their
// channel is closed.
const redeclareAfter = time.Second

// redeclare makes the broker have the topology again, should somebody have
// deleted part of it. ctx ending cuts the wait short.
func (s *session) redeclare(ctx context.Context) error {
	pause(ctx, redeclareAfter)
	return s.declare()
}

// declare makes the broker have the topology.
func (s *session) declare() error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("declaring: %w", err)
	}
	return s.topology.declare(ch)
}

// close says goodbye, and hangs up on a broker that does not answer. What was
// blocked on the connection returns.
func (s *session) close() {
	hangup := time.AfterFunc(closeGrace, s.sever)
	defer hangup.Stop()
	_ = s.conn.Close() // an error says that the connection is closed already
	s.sever()
}

// sever cuts the connection as a network failure would.
func (s *session) sever() {
	_ = s.socket.Close()
}

// writeTimeout is how long a broker may refuse to read before its connection is
// given up. The library holds locks while it writes, which closing needs too:
// without a bound, everything would wait for TCP to give up.
const writeTimeout = 15 * time.Second

// boundedWrites is a connection whose writes end, one way or the other.
type boundedWrites struct{ net.Conn }

func (c boundedWrites) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
