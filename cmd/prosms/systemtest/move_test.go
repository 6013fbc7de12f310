package systemtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// sqliteURL names a SQLite store that is not there yet.
func sqliteURL(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "prosms.db") }

// kept is everything of a store that a move takes along, but for webhooks.
type kept struct {
	Commits []ports.WholeCommit
	Keys    []ports.NamedKey
	Uses    map[string]time.Time
}

func contents(t *testing.T, url string) (k kept) {
	t.Helper()
	err := opened(t.Context(), url, true, func(st stores) {
		head, err := st.events.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = commands.WholeCommits(t.Context(), st.events, 0, head.LastPosition, 1000, func(page []ports.WholeCommit) error {
			k.Commits = append(k.Commits, page...)
			return nil
		})
		var err2, err3 error
		k.Keys, err2 = st.exporter.Keys(t.Context(), "", 1000)
		k.Uses, err3 = st.exporter.KeyUses(t.Context())
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// randomLog makes a store with so many commits of any size, keys and their uses.
func randomLog(t *testing.T, url string, commits, most int) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	if _, _, err := prosms(t, []string{"DATABASE_URL=" + url}, "migrate", "up"); err != nil {
		t.Fatal(err)
	}
	bodies := []string{"plain", "<&> \u2028 \\u0000 \"quoted\"", "é 😀 \t", strings.Repeat("long ", 300)}
	alone(t, url, func(st stores) {
		for c := range commits {
			var writes []ports.Write
			for w := range 1 + chance.IntN(most) {
				write := ports.Write{StreamID: fmt.Sprintf("msg_%d_%d", c, w), Meta: events.Meta{Tenant: "acme", Actor: "test"}}
				write.Events = append(write.Events, events.MessageAccepted{
					To: "+14155552671", Body: events.Personal(bodies[chance.IntN(len(bodies))]), Lane: "normal", Consent: "consent_1",
				})
				if chance.IntN(2) == 0 {
					write.Events = append(write.Events, events.MessageCanceled{By: "test"})
				}
				writes = append(writes, write)
			}
			if _, err := st.events.Append(t.Context(), writes...); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20 {
			name := fmt.Sprintf("subject/%d", chance.Uint64())
			if _, err := st.keyring.KeepOrGet(t.Context(), name, []byte{0, 0xff, byte(i)}); err != nil {
				t.Fatal(err)
			}
			if err := st.keyUses.Used(t.Context(), fmt.Sprint("key_", i), time.UnixMicro(1_700_000_000_000_001+int64(i))); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func move(t *testing.T, from, to string) (string, error) {
	t.Helper()
	return ran(t, nil, "migrate-store", "--from", from, "--to", to)
}

// ran is prosms whose output need not be told apart.
func ran(t *testing.T, environ []string, args ...string) (string, error) {
	t.Helper()
	printed, said, err := prosms(t, environ, args...)
	return printed + said, err
}

func TestAStoreThatMovesThereAndBackIsTheSame(t *testing.T) {
	t.Parallel()
	first, second, third := sqliteURL(t), servers.Postgres(t), sqliteURL(t)
	randomLog(t, first, 24, 12)
	want := contents(t, first)
	for _, step := range [][2]string{{first, second}, {second, third}, {first, second}} { // the last is done already
		if printed, err := move(t, step[0], step[1]); err != nil || !strings.Contains(printed, want.Commits[23].Link.String()) {
			t.Fatalf("%v\n%s", err, printed)
		}
		if diff := cmp.Diff(want, contents(t, step[1])); diff != "" {
			t.Fatalf("(-source +target)\n%s", diff)
		}
	}
	for _, url := range []string{second, third} {
		if printed, err := ran(t, []string{"DATABASE_URL=" + url, "PROSMS_LOG_LEVEL=error"}, "verify"); err != nil && strings.Contains(printed, "FAIL  G2") {
			t.Errorf("verify: %v\n%s", err, printed)
		}
	}
}

func TestAMoveToAnotherLogIsRefused(t *testing.T) {
	t.Parallel()
	from, to := sqliteURL(t), sqliteURL(t)
	randomLog(t, from, 3, 2)
	randomLog(t, to, 2, 2)
	want := contents(t, to)
	if printed, err := move(t, from, to); !says(err, commands.ErrNotEmpty) {
		t.Errorf("into another log: %v\n%s", err, printed)
	}
	if diff := cmp.Diff(want, contents(t, to)); diff != "" {
		t.Errorf("the target was changed:\n%s", diff)
	}
	served := sqliteURL(t) // nothing in its log, and a key of its own
	if printed, err := ran(t, []string{"DATABASE_URL=" + served}, "keys", "list"); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if _, err := move(t, from, served); !says(err, commands.ErrNotEmpty) {
		t.Errorf("into a store with another keyring: %v", err)
	}
}

func TestAMoveThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	for name, urls := range map[string][2]string{
		"to PostgreSQL": {sqliteURL(t), servers.Postgres(t)},
		"to SQLite":     {servers.Postgres(t), sqliteURL(t)},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := urls[0], urls[1]
			randomLog(t, from, 150, 100)
			program, err := shipped()
			if err != nil {
				t.Fatal(err)
			}
			child := exec.Command(program, "migrate-store", "--from", from, "--to", to)
			if err = child.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 30*time.Second, "copying", func() (begun bool) {
				_ = opened(t.Context(), to, true, func(st stores) { // fails until there is a schema
					head, err := st.events.Head(t.Context())
					begun = err == nil && head.LastPosition > 0
				})
				return begun
			})
			if err = child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // it was killed
			want, got := contents(t, from), contents(t, to)
			if len(got.Commits) == 0 || len(got.Commits) >= len(want.Commits) {
				t.Fatalf("killed after %d commits of %d: not amid the move", len(got.Commits), len(want.Commits))
			}
			t.Logf("killed after %d commits of %d", len(got.Commits), len(want.Commits))
			printed, err := move(t, from, to)
			if err != nil || !strings.Contains(printed, "going on after position") {
				t.Fatalf("%v\n%s", err, printed)
			}
			if !reflect.DeepEqual(want, contents(t, to)) { // cmp.Diff takes minutes for so much
				t.Error("the target is not the source")
			}
		})
	}
}
