//go:build !linux

package servers

import "testing"

// Private is a server of the test's own. It is made on Linux only.
type Private struct{ URL string }

// Broker is a RabbitMQ of the test's own.
type Broker struct{ *Private }

// PrivatePostgres skips the test.
func PrivatePostgres(t testing.TB) *Private { return without(t) }

// PrivateRedis skips the test.
func PrivateRedis(t testing.TB) *Private { return without(t) }

// PrivateRabbitMQ skips the test.
func PrivateRabbitMQ(t testing.TB) Broker { return Broker{without(t)} }

func without(t testing.TB) *Private {
	t.Helper()
	if Required() {
		t.Fatal("servers of a test's own are started on Linux only")
	}
	t.Skip("SKIPPED FOR WANT OF A SERVER: servers of a test's own are started on Linux only")
	return nil
}

// Start does nothing.
func (*Private) Start() {}

// Stop does nothing.
func (*Private) Stop() {}

// Kill does nothing.
func (*Private) Kill() {}

// Pause does nothing.
func (*Private) Pause() {}

// Resume does nothing.
func (*Private) Resume() {}

// Ctl does nothing.
func (Broker) Ctl(...string) {}
