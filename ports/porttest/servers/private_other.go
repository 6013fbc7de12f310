//go:build !linux

package servers

import "testing"

// Private is a server of the test's own. It is made on Linux only.
type Private struct{ URL string }

// Broker is a RabbitMQ of the test's own.
type Broker struct {
	*Private
	Node string
}

// PrivatePostgres skips the test.
func PrivatePostgres(t testing.TB) *Private { return without(t) }

// PrivatePostgresOn skips the test.
func PrivatePostgresOn(t testing.TB, _ string) *Private { return without(t) }

// PrivatePostgresPair skips the test.
func PrivatePostgresPair(t testing.TB) (primary, standby *Private) { return without(t), without(t) }

// PrivateRedis skips the test.
func PrivateRedis(t testing.TB) *Private { return without(t) }

// PrivateRabbitMQ skips the test.
func PrivateRabbitMQ(t testing.TB) Broker { return Broker{Private: without(t)} }

// PrivateRabbitMQCluster skips the test.
func PrivateRabbitMQCluster(t testing.TB, _ int) []Broker { return []Broker{{Private: without(t)}} }

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

// Running says no.
func (*Private) Running() bool { return false }

// Stop does nothing.
func (*Private) Stop() {}

// Kill does nothing.
func (*Private) Kill() {}

// Pause does nothing.
func (*Private) Pause() {}

// Resume does nothing.
func (*Private) Resume() {}

// Promote does nothing.
func (*Private) Promote() {}

// Ctl does nothing.
func (Broker) Ctl(...string) string { return "" }

// Disk is a file system of the test's own. It is made on Linux only.
type Disk struct{ Folder string }

// SmallDisk skips the test.
func SmallDisk(t testing.TB, _ string) Disk { without(t); return Disk{} }

// Fill does nothing.
func (Disk) Fill() {}

// Free does nothing.
func (Disk) Free() {}
