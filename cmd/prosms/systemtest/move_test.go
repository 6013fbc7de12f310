package systemtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/sqlite"
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

// Part of the texts have gone out when the gateway stops; the rest go out of the new
// store, and none goes twice.
func TestTextsGoOnAfterAMove(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false, "PROSMS_PROVIDER_MPS=20")
	old := rig.start()
	ids, err := old.sendBatch(30)
	if err != nil {
		t.Fatal(err)
	}
	once := http.Header{"Idempotency-Key": {"once"}}
	text := outgoing{To: "+14155552671", Body: "once"}
	var first, again struct{ ID string }
	if status, err := old.callWith(once, "POST", "/v1/messages", text, &first); err != nil || status != http.StatusAccepted {
		t.Fatal(status, err)
	}
	eventually(t, 20*time.Second, "sending", func() bool { return len(rig.ledger()) >= 5 })
	old.stop()
	if n := len(rig.ledger()); n > len(ids) {
		t.Fatalf("all %d texts were sent before the move", n)
	}

	url := servers.Postgres(t)
	if printed, err := move(t, rig.value("DATABASE_URL"), url); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	rig.replace("DATABASE_URL", url)
	gateway := rig.launch(strings.TrimPrefix(old.url, "http://")) // where receipts come
	eventually(t, 20*time.Second, "ready", gateway.ready)
	if status, err := gateway.callWith(once, "POST", "/v1/messages", text, &again); err != nil || status != http.StatusAccepted || again.ID != first.ID {
		t.Errorf("the same key: %d %s, %v; was %s", status, again.ID, err, first.ID)
	}
	more, err := gateway.sendBatch(3)
	if err != nil {
		t.Fatal(err)
	}
	ids = append(append(ids, first.ID), more...)
	rig.verifyOnce(gateway, ids, 30*time.Second)
	for _, id := range ids {
		if n := rig.accepted()[id]; n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

func TestAPostgreSQLSourceThatGoesOnIsNotMoved(t *testing.T) {
	t.Parallel()
	from, to := servers.Postgres(t), sqliteURL(t)
	randomLog(t, from, 20, 100)
	target, err := sqlite.Open(t.Context(), sqlite.Config{Path: strings.TrimPrefix(to, "sqlite://")})
	if err != nil {
		t.Fatal(err)
	}
	alone(t, from, func(source stores) {
		mover := commands.Mover{
			From: commands.Movable{Events: source.events, Views: source.views, Keyring: source.keyring, KeyUses: source.keyUses, Exporter: source.exporter},
			To: commands.Movable{
				Events: target.EventStore(), Views: target.Views(), Keyring: target.Keyring(), KeyUses: target.KeyUses(), Exporter: target.Exporter(),
			},
			Importer: target.Importer(), PageSize: 100,
		}
		grown := false
		mover.Progress = func(int64) {
			if grown {
				return
			}
			grown = true
			if _, err := source.events.Append(t.Context(), ports.Write{StreamID: "msg_meanwhile", Events: []events.Event{events.MessageCanceled{}}}); err != nil {
				t.Error(err)
			}
		}
		if _, err := mover.Run(t.Context()); !errors.Is(err, commands.ErrInUse) {
			t.Errorf("moved: %v", err)
		}
		if _, err := mover.Run(t.Context()); err != nil {
			t.Errorf("moved once it stands still: %v", err)
		}
	})
	if err := target.Close(); err != nil {
		t.Error(err)
	}
}
