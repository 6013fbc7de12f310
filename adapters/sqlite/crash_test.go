package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// crashPath names the environment variable that makes the test binary a process
// that appends to the database at its value.
const crashPath = "PROSMS_TEST_SQLITE_CRASH"

// appendUntilKilled prints the last position of every append it has got a result
// for, on a line of its own.
func appendUntilKilled(path string) {
	err := func() error {
		db, err := Open(context.Background(), Config{Path: path})
		if err != nil {
			return err
		}
		store := db.EventStore()
		for i := 0; ; i++ {
			results, err := store.Append(context.Background(),
				attempts(fmt.Sprintf("%d-%d", os.Getpid(), i), 0, 1+i%3), attempts(fmt.Sprintf("%d", os.Getpid()), i, 1))
			if err != nil {
				return err
			}
			if _, err := fmt.Println(results[1].LastPosition); err != nil {
				return err
			}
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestWhatWasAcknowledgedSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	for round := range 5 {
		acknowledged := killedAfter(t, path, 20+37*round)
		db := openAt(t, path) // the system has released the lock
		head := verify(t, db.EventStore())
		if head < acknowledged {
			t.Errorf("round %d: position %d was acknowledged, the log ends at %d", round, acknowledged, head)
		}
		closeDB(t, db)
	}
}

// killedAfter runs appendUntilKilled in a process, kills it after n acknowledged
// appends, and returns the last acknowledged position.
func killedAfter(t *testing.T, path string, n int) (acknowledged int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashPath+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := 0; lines.Scan(); i++ { // and what was still in the pipe
		if acknowledged, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if i == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || acknowledged == 0 {
		t.Fatalf("the process ended by itself at position %d: %v", acknowledged, err)
	}
	return acknowledged
}

// attempts is a write of n events.
func attempts(streamID string, expected, n int) ports.Write {
	w := ports.Write{StreamID: streamID, Expected: expected, Meta: events.Meta{Tenant: "acme", Actor: "dispatcher"}}
	for i := range n {
		w.Events = append(w.Events, events.MessageAttempted{Attempt: expected + i + 1, AttemptID: "a", Provider: "sandbox"})
	}
	return w
}

// verify checks positions, versions, digests and links, and returns the head.
func verify(t *testing.T, store ports.EventStore) (head int64) {
	t.Helper()
	log, err := store.Read(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	commits, err := store.Commits(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]int)
	digests := make([]events.Hash, len(log))
	for i, r := range log {
		versions[r.StreamID]++
		digests[i] = r.ComputeDigest()
		if r.Position != int64(i)+1 || r.Version != versions[r.StreamID] || r.Digest != digests[i] {
			t.Fatalf("event %d is at position %d, version %d, digest %v", i+1, r.Position, r.Version, r.Digest)
		}
	}
	var link events.Hash
	for _, c := range commits {
		if c.FirstPosition != head+1 || c.LastPosition > int64(len(log)) {
			t.Fatalf("commit %d to %d follows %d, the log ends at %d", c.FirstPosition, c.LastPosition, head, len(log))
		}
		link = events.Link(link, digests[head:c.LastPosition]...)
		if c.Link != link {
			t.Fatalf("the link of commit %d to %d is broken", c.FirstPosition, c.LastPosition)
		}
		head = c.LastPosition
	}
	if head != int64(len(log)) {
		t.Fatalf("commits end at %d, events at %d", head, len(log))
	}
	return head
}
