package systemtest

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // to plant faults

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
	"github.com/pro-sms/prosms/projections"
)

// bothStacks runs test on the embedded stack and on the full one.
func bothStacks(t *testing.T, test func(t *testing.T, r *rig)) {
	for name, full := range map[string]bool{"embedded": false, "full": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t, full))
		})
	}
}

// verified checks the guarantees at the end of a test.
func (r *rig) verified() {
	r.t.Helper()
	if report, err := r.attempt("verify"); err != nil {
		r.t.Errorf("verify: %v\n%s", err, report)
	}
}

func TestAViewRebuiltWhileTextsFlowEqualsTheLiveOne(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		gateway := r.start()
		if _, err := gateway.sendBatch(500); err != nil {
			t.Fatal(err)
		}
		var load sync.WaitGroup
		stop := make(chan struct{})
		load.Go(func() {
			// As much as leaves the machine time for the rest of the test.
			pace := time.NewTicker(100 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
				}
				if _, err := gateway.sendBatch(50); err != nil {
					t.Errorf("sending meanwhile: %v", err)
					return
				}
				if code, err := gateway.call("GET", "/v1/messages?limit=10", nil, nil); err != nil || code != http.StatusOK {
					t.Errorf("listing meanwhile: %d, %v", code, err)
					return
				}
			}
		})
		for _, view := range []string{"messages", "dead_letters"} {
			if out, err := r.attempt("replay", "--projection", view); err != nil || !strings.Contains(out, "swapped") {
				t.Errorf("replay of %s: %v\n%s", view, err, out)
			}
			if out, err := r.attempt("replay", "--projection", view, "--diff"); err != nil || !strings.Contains(out, " 0 differ") {
				t.Errorf("diff of %s: %v\n%s", view, err, out)
			}
		}
		close(stop)
		load.Wait()
		eventually(t, 60*time.Second, "all delivered or dispatched", func() bool {
			return !gateway.any("accepted") && !gateway.any("dispatching") && !gateway.any("in_doubt")
		})
		r.verified()
		gateway.stop()
		r.verified()
		if _, err := r.attempt("explain", "msg_none"); err == nil {
			t.Error("a text that there is not was explained")
		}
	})
}

func TestAReplayThatWasKilledGoesOn(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		texts := 3_000 // more than one transaction
		if strings.HasPrefix(r.value("DATABASE_URL"), "postgres") {
			texts = 21_000
		}
		fill(t, r, texts)
		before := r.command("verify", "--patience", "1000h")
		program, err := shipped()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(program, "replay", "--projection", "messages")
		child.Env = append(r.environ, "PROSMS_TEST_CRASH=views.advanced:1")
		if err := child.Run(); err == nil {
			t.Fatal("it was not killed")
		}
		pending := r.checkpoint("messages_shadow")
		if pending == 0 {
			t.Fatal("it was done before it could be killed")
		}
		if after := r.command("verify", "--patience", "1000h"); after != before {
			t.Errorf("the live view after the kill:\n%swant:\n%s", after, before)
		}
		_, said, err := prosms(t, r.environ, "replay", "--projection", "messages")
		if err != nil || !strings.Contains(said, fmt.Sprintf("going on at position %d", pending)) {
			t.Errorf("replay: %v\n%s", err, said)
		}
		if out := r.command("verify", "--patience", "1000h"); out != before {
			t.Errorf("the view rebuilt:\n%swant:\n%s", out, before)
		}
	})
}

// fill writes the lives of n texts to the log, and brings the views up to date.
func fill(t *testing.T, r *rig, n int) {
	t.Helper()
	alone(t, r.value("DATABASE_URL"), func(st stores) {
		write(t, st.events, life, n, 0)
		lookup, err := commands.OpenLookup(t.Context(), st.keyring, commands.Master{})
		if err != nil {
			t.Fatal(err)
		}
		head, err := st.events.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		filler := projections.Filler{Store: st.events, Views: st.views, Rows: 20_000}
		for _, p := range []projections.Projection{
			projections.Messages(), projections.Keys(), projections.OptOuts(), projections.InboundTexts(), projections.DeadLetters(), projections.Replays(),
			projections.Contacts(func(number events.Personal) string { return lookup.ConsentStream(commands.EveryTenant, number) }),
		} {
			if err := filler.Fill(t.Context(), p, head.LastPosition); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// write appends the lives of n texts. A life stands in one piece, or its events stand
// apart by that many others.
func write(t testing.TB, store ports.EventStore, life func(i int) []events.Event, n, apart int) {
	t.Helper()
	wave := n
	if apart > 0 {
		wave = apart
	}
	for first := 0; first < n; first += wave {
		last := min(n, first+wave)
		for version, stage := range stages(life, apart > 0) {
			for from := first; from < last; from += 500 {
				var writes []ports.Write
				for i := from; i < min(last, from+500); i++ {
					writes = append(writes, ports.Write{
						StreamID: fmt.Sprint("msg_", i), Expected: version, Events: stage(i), Meta: events.Meta{Tenant: "acme"},
					})
				}
				if results, err := store.Append(t.Context(), writes...); err != nil || results[0].Err != nil {
					t.Fatal(err, results)
				}
			}
		}
	}
}

func TestAnEventThatCannotBeAppliedStopsAReplayAndLeavesTheViewAlone(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		fill(t, r, 20)
		r.plant(`UPDATE events SET data = '{"attempt":"none"}' WHERE type = 'message.attempted' AND position = 7`)
		out, err := r.attempt("replay", "--projection", "messages")
		if err == nil || !strings.Contains(err.Error(), "position 7") || !strings.Contains(err.Error(), "as it was") {
			t.Errorf("replay: %v\n%s", err, out)
		}
		if at := r.checkpoint("messages"); at != 81 { // a key, and four events of each text
			t.Errorf("the live view is at %d", at)
		}
		out, err = r.attempt("verify", "--json", "--patience", "1000h")
		var report struct {
			OK     bool
			Counts map[string]int
		}
		if jsonErr := json.Unmarshal([]byte(out), &report); err == nil || jsonErr != nil || report.OK || report.Counts["G2"] == 0 {
			t.Errorf("verify: %v, %v\n%s", err, jsonErr, out)
		}
	})
}

func TestVerifyFindsWhatSomebodyPlanted(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]struct {
		sql  string
		want []string // lines of the report
	}{
		"a changed byte":   {`UPDATE events SET data = replace(data::text, 'text 2', 'text 8')::json WHERE position = 10`, []string{"G2 position 10: the row is not what its digest was taken of"}},
		"a deleted row":    {`DELETE FROM events WHERE position = 9`, []string{"G2 position 9: missing"}},
		"a reordered row":  {`UPDATE events SET position = CASE position WHEN 9 THEN -10 ELSE -9 END WHERE position IN (9, 10); UPDATE events SET position = -position WHERE position < 0`, []string{"G2 position 9: the row is not"}},
		"a deleted commit": {`DELETE FROM commits WHERE first_position > 1`, []string{"G2 position"}},
		"a changed row, one of no event and a lost one": {
			`UPDATE messages SET status = 'canceled' WHERE id = 'msg_3'; INSERT INTO messages (id, doc) VALUES ('msg_x', '{}'); DELETE FROM messages WHERE id = 'msg_1'`,
			[]string{"G6: view messages: row msg_3 differs column status", "G6: view messages: row msg_x surplus", "G6: view messages: row msg_1 missing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothStacks(t, func(t *testing.T, r *rig) {
				fill(t, r, 5)
				r.command("verify", "--patience", "1000h")
				r.plant(plant.sql)
				out, err := r.attempt("verify", "--patience", "1000h")
				missed := slices.ContainsFunc(plant.want, func(line string) bool { return !strings.Contains(out, line) })
				if err == nil || missed || strings.Contains(out, "+1415") || strings.Contains(out, "text 2") {
					t.Errorf("verify: %v\n%swant %s", err, out, plant.want)
				}
			})
		})
	}
}

func TestAPastViewIsWritten(t *testing.T) {
	t.Parallel()
	bothStacks(t, func(t *testing.T, r *rig) {
		fill(t, r, 5)
		file := filepath.Join(t.TempDir(), "rows.ndjson")
		r.command("replay", "--projection", "messages", "--as-of", "6", "--out", file) // the key, msg_0 whole, msg_1 accepted
		content, err := os.ReadFile(file)
		if lines := strings.Split(strings.TrimSpace(string(content)), "\n"); err != nil || len(lines) != 2 ||
			!strings.Contains(lines[0], `"status":"delivered"`) || !strings.Contains(lines[1], `"status":"accepted"`) {
			t.Errorf("%v, rows:\n%s", err, content)
		}
		if out := r.command("replay", "--projection", "messages", "--as-of", "2001-01-01T00:00:00Z"); out != "" {
			t.Errorf("rows before the beginning:\n%s", out)
		}
		if at := r.checkpoint("messages"); at != 21 {
			t.Errorf("the live view is at %d", at)
		}
		story := r.command("explain", "msg_1")
		for _, want := range []string{"msg_1 of tenant acme is delivered", "attempt 1 claimed", "position 9", "next: nothing: this is final"} {
			if !strings.Contains(story, want) {
				t.Errorf("story lacks %q:\n%s", want, story)
			}
		}
		if strings.Contains(story, "+1415") || !strings.Contains(r.command("explain", "--personal", "msg_1"), "+1415") {
			t.Errorf("story and personal data:\n%s", story)
		}
	})
}

// life is all that happens to text i.
func life(i int) []events.Event {
	return []events.Event{
		events.MessageAccepted{
			To: events.Personal(fmt.Sprintf("+1415%07d", i)), Body: events.Personal(fmt.Sprint("text ", i)), Lane: "normal",
			Encoding: "GSM-7", Segments: 1, Consent: fmt.Sprint("consent_", i),
		},
		events.MessageAttempted{Attempt: 1, AttemptID: fmt.Sprintf("msg_%d/1", i), Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: fmt.Sprint("SM", i)},
		events.MessageDelivered{ProviderStatus: "delivered"},
	}
}

// sealedLife is life as a gateway writes it: sealed, and with names as long as its own.
func sealedLife(i int) []events.Event {
	number := func(i int) events.Personal {
		return events.Sealed{Sealed: make([]byte, 40), Subject: fmt.Sprintf("subject_%022d", i), Name: fmt.Sprintf("consent_%032x", i)}.Personal()
	}
	return []events.Event{
		events.MessageAccepted{
			To: number(i), From: number(0), Body: events.Sealed{Sealed: make([]byte, 80), Subject: fmt.Sprintf("subject_%022d", i), Day: "2026-11-25"}.Personal(),
			Lane: "normal", Kind: "transactional", Encoding: "GSM-7", Segments: 1, Consent: fmt.Sprintf("consent_%032x", i),
		},
		events.MessageAttempted{Attempt: 1, AttemptID: fmt.Sprintf("msg_%032x/1", i), Provider: "twilio"},
		events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: fmt.Sprintf("SM%032x", i), ProviderStatus: "queued"},
		events.MessageDelivered{ProviderStatus: "delivered", At: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)},
	}
}

// stages returns what is appended at once about text i: its whole life, or one
// event after the other.
func stages(life func(i int) []events.Event, apart bool) []func(i int) []events.Event {
	if !apart {
		return []func(int) []events.Event{life}
	}
	var each []func(int) []events.Event
	for n := range life(0) {
		each = append(each, func(i int) []events.Event { return life(i)[n : n+1] })
	}
	return each
}

// The rate at which a view is rebuilt, from a log of 240,000 events (PROSMS_TEST_LONG:
// 1,000,000): where a text's events stand in one frame, and where each is in another
// and the row is read and written four times. Beside it, how much is in memory at
// the most.
func BenchmarkRebuild(b *testing.B) {
	for name, open := range map[string]func(*testing.B) string{
		"sqlite": func(b *testing.B) string { return "sqlite://" + filepath.Join(b.TempDir(), "prosms.db") },
		"postgres": func(b *testing.B) string {
			url := servers.Postgres(b)
			if err := postgres.Migrate(b.Context(), url); err != nil {
				b.Fatal(err)
			}
			return url
		},
	} {
		for _, apart := range []int{0, 10_000} {
			b.Run(fmt.Sprint(name, "/apart=", apart), func(b *testing.B) {
				texts, most := 60_000, 0
				if long() {
					texts = 250_000
				}
				alone(b, open(b), func(st stores) {
					write(b, st.events, sealedLife, texts, apart)
					debug.FreeOSMemory()
					filler := projections.Filler{Store: st.events, Views: st.views, Progress: func(int64) {
						most = max(most, residentMiB(b, os.Getpid()))
					}}
					if name == "postgres" {
						filler.Rows = 20_000 // as prosms has it
					}
					for b.Loop() {
						if err := filler.Rebuild(b.Context(), projections.Messages()); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)*4*float64(texts)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64(most), "MiB")
			})
		}
	}
}

// plant changes the database as nobody may: as its superuser, or in the file.
func (r *rig) plant(change string) {
	r.t.Helper()
	ctx := r.t.Context()
	path, local := strings.CutPrefix(r.value("DATABASE_URL"), "sqlite://")
	if local {
		view := strings.Contains(change, " messages ") || strings.Contains(change, " relay_offsets ")
		if view {
			path = strings.TrimSuffix(path, ".db") + ".views.db"
		}
		db, err := sql.Open("sqlite", path)
		if err != nil {
			r.t.Fatal(err)
		}
		defer db.Close()
		if !view {
			for _, trigger := range []string{"events_refuse_update", "events_refuse_delete", "commits_refuse_update", "commits_refuse_delete"} {
				change = "DROP TRIGGER IF EXISTS " + trigger + "; " + change
			}
		}
		if _, err := db.ExecContext(ctx, strings.NewReplacer("data::text", "data", "::json", "").Replace(change)); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	conn, err := pgx.Connect(ctx, r.value("DATABASE_URL"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE commits DISABLE TRIGGER ALL; `+change)
	if err != nil {
		r.t.Fatal(err)
	}
}

// checkpoint returns where a projection is.
func (r *rig) checkpoint(projection string) int64 {
	r.t.Helper()
	var at int64
	r.look(func(st stores) {
		var err error
		if at, err = st.views.Checkpoint(r.t.Context(), projection); err != nil {
			r.t.Fatal(err)
		}
	})
	return at
}
