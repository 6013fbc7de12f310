package verify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/commands/verify"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

var (
	accepted    = events.MessageAccepted{To: "+14155552671", Body: "hello", Lane: "normal", Consent: "consent_1"}
	dispatched1 = events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"}
	delivered   = events.MessageDelivered{ProviderStatus: "delivered"}
	doubt1      = events.MessageInDoubt{Attempt: 1, Provider: "twilio", Cause: "timeout"}
	retried2    = events.MessageRetried{Attempt: 2}
	noTrace1    = events.MessageReconciled{Attempt: 1, Outcome: "not_sent", Evidence: "no_trace"}
	failed1     = events.MessageFailed{Attempt: 1, Provider: "twilio", Class: "not_sent"}
)

func attempt(n int) events.Event {
	return events.MessageAttempted{Attempt: n, AttemptID: fmt.Sprint("x/", n), Provider: "twilio"}
}

func dispatched(n int, id string) events.Event {
	return events.MessageDispatched{Attempt: n, Provider: "twilio", ProviderMessageID: id}
}

// step is what is appended in one commit.
type step struct {
	stream string
	events []events.Event
	cause  string
}

func on(stream string, recorded ...events.Event) step { return step{stream, recorded, ""} }

// because is on for what an event has caused.
func because(cause, stream string, recorded ...events.Event) step {
	return step{stream, recorded, cause}
}

func logOf(t *testing.T, steps ...step) *memory.EventStore {
	t.Helper()
	store := &memory.EventStore{}
	versions := map[string]int{}
	for _, s := range steps {
		results, err := store.Append(t.Context(), ports.Write{
			StreamID: s.stream, Expected: versions[s.stream], Events: s.events, Meta: events.Meta{Tenant: "acme", CausationID: s.cause},
		})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		versions[s.stream] += len(s.events)
	}
	return store
}

// healthy is a log with most of what may happen.
func healthy(t *testing.T) *memory.EventStore {
	return logOf(t,
		on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", dispatched1, delivered),
		on("msg_2", accepted), on("msg_2", attempt(1)), on("msg_2", doubt1), on("msg_2", noTrace1, retried2),
		on("msg_2", attempt(2)), on("msg_2", dispatched(2, "SM2")),
		on("consent_2", events.ConsentOptedOut{Number: "+1"}), on("consent_2", events.ConsentOptedIn{Number: "+1"}),
		on("msg_3", events.MessageAccepted{Consent: "consent_2"}), on("msg_3", attempt(1)), on("msg_3", failed1, retried2),
		on("msg_3", attempt(2)), on("msg_3", events.MessageDeadLettered{Reason: "permanent", Attempts: 2}),
		on("msg_3", events.MessageRedriven{By: "ada"}), on("msg_3", attempt(3)), on("msg_3", dispatched(3, "SM3")),
		on("key_1", events.KeyIssued{Tenant: "acme"}),
		on("consent_4", events.ConsentOptedOut{Number: "+1"}), because("consent_4:1", "msg_4", events.MessageAccepted{Consent: "consent_4"}), on("msg_4", attempt(1)))
}

func TestAHealthyLogHasNoFindings(t *testing.T) {
	for _, size := range []int{1, 2, 3, 1000} {
		report, err := verify.Log(t.Context(), verify.Options{Store: healthy(t), MaxRetries: 1, PageSize: size})
		if err != nil || !report.OK() || report.Messages != 4 || report.Statuses["delivered"] != 1 || report.Head != 26 {
			t.Errorf("pages of %d: %+v, %v", size, report, err)
		}
	}
	if report, err := verify.Log(t.Context(), verify.Options{Store: &memory.EventStore{}}); err != nil || !report.OK() {
		t.Errorf("an empty log: %+v, %v", report, err)
	}
}

func TestWhatMustNotHappenIsFound(t *testing.T) {
	sent := []step{on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", dispatched1)}
	confirmed := []step{on("consent_1", events.ConsentOptedOut{Number: "+1"}), because("consent_1:1", "msg_1", accepted), on("msg_1", attempt(1))}
	for _, tt := range []struct {
		name      string
		steps     []step
		guarantee string
		position  int64
		what      string
	}{
		{"two final statuses", append(sent, on("msg_1", delivered), on("msg_1", events.MessageExpired{})), "G1", 5, "was delivered became expired"},
		{"an event before the acceptance", []step{on("msg_1", delivered)}, "G1", 1, "nothing was accepted"},
		{"a double acceptance", append(sent, on("msg_1", dispatched(1, "SM9"))), "G3", 4, "a second time"},
		{"a double acceptance that a receipt shows", []step{
			on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", failed1, retried2), on("msg_1", attempt(2)), on("msg_1", dispatched(2, "SM2")),
			on("msg_1", events.MessageReceiptIgnored{ProviderMessageID: "SM1", Reason: "duplicate_send"})}, "G3", 7, "a second time"},
		{"a blind resend", []step{on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", doubt1), on("msg_1", attempt(2))}, "G3", 4, "claimed while the text was in_doubt"},
		{"one provider message for two texts", append(sent, on("msg_2", accepted), on("msg_2", attempt(1)), on("msg_2", dispatched1)), "G3", 6, "another text's"},
		{"an attempt after an opt-out", []step{on("msg_1", accepted), on("consent_1", events.ConsentOptedOut{Number: "+1"}), on("msg_1", attempt(1))}, "G4", 3, "opt-out"},
		{"a second text that confirms an opt-out", append(confirmed, because("consent_1:1", "msg_2", accepted), on("msg_2", attempt(1))), "G4", 5, "opt-out"},
		{"a text that confirms an earlier opt-out", []step{
			on("consent_1", events.ConsentOptedOut{Number: "+1"}), because("consent_1:1", "msg_1", accepted), on("consent_1", events.ConsentOptedIn{Number: "+1"}),
			on("consent_1", events.ConsentOptedOut{Number: "+1"}), on("msg_1", attempt(1))}, "G4", 5, "opt-out"},
		{"an attempt gap", []step{on("msg_1", accepted), on("msg_1", attempt(2))}, "G5", 2, "attempt 2, want 1"},
		{"an attempt too many", []step{on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", failed1, retried2), on("msg_1", attempt(2)),
			on("msg_1", events.MessageFailed{Attempt: 2}, events.MessageRetried{Attempt: 3}), on("msg_1", attempt(3))}, "G5", 8, "at most 2"},
		{"two acceptances of one key", []step{on("msg_1", accepted), on("msg_1", accepted)}, "G7", 2, "a second time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report, err := verify.Log(t.Context(), verify.Options{Store: logOf(t, tt.steps...), MaxRetries: 1})
			if err != nil || len(report.Findings) != 1 {
				t.Fatalf("%+v, %v; want one finding", report, err)
			}
			if f := report.Findings[0]; f.Guarantee != tt.guarantee || f.Position != tt.position || !strings.Contains(f.What, tt.what) {
				t.Errorf("found %+v, want %s at %d: %s", f, tt.guarantee, tt.position, tt.what)
			}
		})
	}
}

func TestAResendThatTheLogDecidedIsCountedAndNoFinding(t *testing.T) {
	store := logOf(t, on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", doubt1), on("msg_1", noTrace1, retried2), on("msg_1", attempt(2)),
		on("msg_1", dispatched(2, "SM2")), on("msg_1", events.MessageReceiptIgnored{ProviderMessageID: "SM1", Reason: "duplicate_send"}))
	report, err := verify.Log(t.Context(), verify.Options{Store: store, MaxRetries: 5})
	if err != nil || !report.OK() || report.Resent != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestATextThatIsStuckIsFound(t *testing.T) {
	due := time.Now().Add(3 * time.Hour)
	later := accepted
	later.SendAt = &due
	breaker := on("breaker_1", events.BreakerOpened{Provider: "twilio"})
	for _, tt := range []struct {
		name  string
		in    time.Duration // from now
		steps []step
		want  int
	}{
		{"accepted just now", time.Minute, []step{on("msg_1", accepted)}, 0},
		{"accepted long ago", 2 * time.Hour, []step{on("msg_1", accepted)}, 1},
		{"accepted long ago while a breaker is open", 2 * time.Hour, []step{on("msg_1", accepted), breaker}, 0},
		{"claimed long ago", 2 * time.Hour, []step{on("msg_1", accepted), on("msg_1", attempt(1)), breaker}, 1},
		{"for later", 3*time.Hour + time.Minute, []step{on("msg_1", later)}, 0},
		{"for earlier", 5 * time.Hour, []step{on("msg_1", later)}, 1},
		{"without a receipt", 1000 * time.Hour, []step{on("msg_1", accepted), on("msg_1", attempt(1)), on("msg_1", dispatched1)}, 0},
		{"at its end", 1000 * time.Hour, []step{on("msg_1", accepted), on("msg_1", events.MessageCanceled{})}, 0},
	} {
		report, err := verify.Log(t.Context(), verify.Options{Store: logOf(t, tt.steps...), Now: time.Now().Add(tt.in)})
		if err != nil || len(report.Findings) != tt.want || tt.want == 1 && (report.Findings[0].Guarantee != "G1" || report.Findings[0].Stream != "msg_1") {
			t.Errorf("%s: %+v, %v; want %d findings", tt.name, report, err, tt.want)
		}
	}
}

// doctored is a log whose rows or commits somebody has changed.
type doctored struct {
	ports.EventStore
	log        []events.Recorded
	commits    []ports.Commit
	unreadable int64
}

func doctor(t *testing.T, store ports.EventStore) *doctored {
	t.Helper()
	log, err := store.Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	commits, err := store.Commits(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return &doctored{EventStore: store, log: log, commits: commits}
}

func (d *doctored) Read(_ context.Context, position int64, limit int) ([]events.Recorded, error) {
	var page []events.Recorded
	for _, e := range d.log {
		if e.Position > position && len(page) < limit {
			if e.Position == d.unreadable {
				return nil, errors.New("malformed payload")
			}
			page = append(page, e)
		}
	}
	return page, nil
}

func (d *doctored) Commits(_ context.Context, position int64, limit int) ([]ports.Commit, error) {
	var page []ports.Commit
	for _, c := range d.commits {
		if c.LastPosition > position && len(page) < limit {
			page = append(page, c)
		}
	}
	return page, nil
}

func (d *doctored) Head(context.Context) (ports.Commit, error) {
	return d.commits[len(d.commits)-1], nil
}

func TestWhatSomebodyDidToTheLogIsLocated(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(d *doctored)
		want   []int64 // positions of the findings of G2, the first first
	}{
		{"a changed byte", func(d *doctored) {
			d.log[0].RawData = []byte(strings.Replace(string(d.log[0].RawData), "hello", "jello", 1))
		}, []int64{1}},
		{"a changed row with a digest that fits", func(d *doctored) {
			d.log[5].RawMeta = []byte(`{"tenant":"evil"}`)
			d.log[5].Digest = d.log[5].ComputeDigest()
		}, []int64{6}},
		{"a deleted row", func(d *doctored) { d.log = slices.Delete(d.log, 2, 3) }, []int64{3}},
		{"a deleted commit", func(d *doctored) {
			d.log, d.commits = slices.Delete(d.log, 4, 5), slices.Delete(d.commits, 4, 5)
		}, []int64{5, 5, 6}},
		{"deleted rows of a whole commit", func(d *doctored) { d.log = slices.Delete(d.log, 2, 4) }, []int64{3}},
		{"an inserted row", func(d *doctored) {
			d.log = slices.Insert(d.log, 3, d.log[1])
			d.log[3].Position = 4
		}, []int64{3, 4, 4, 5}}, // 3: where its commit begins
		{"a row appended past every commit", func(d *doctored) {
			d.log = append(d.log, d.log[1])
			d.log[26].Position = 27
		}, []int64{27, 27}},
		{"a row past every commit that cannot be read", func(d *doctored) {
			d.log = append(d.log, d.log[1])
			d.log[26].Position, d.unreadable = 999, 999
		}, []int64{27}},
		{"the last row deleted", func(d *doctored) { d.log = d.log[:len(d.log)-1] }, []int64{26}},
		{"two rows in each other's place", func(d *doctored) {
			d.log[1], d.log[4] = d.log[4], d.log[1]
			d.log[1].Position, d.log[4].Position = 2, 5
		}, []int64{2, 2, 3, 5, 5, 5}},
		{"the last commit deleted", func(d *doctored) { d.commits = d.commits[:len(d.commits)-1] }, []int64{26}},
		{"a changed time", func(d *doctored) { d.log[7].RecordedAt = d.log[7].RecordedAt.Add(-time.Hour) }, []int64{8, 8}},
		{"a changed link", func(d *doctored) { d.commits[3].Link[0]++ }, []int64{5, 6}},
		{"a row that cannot be read", func(d *doctored) { d.unreadable = 23 }, []int64{23}},
	} {
		for _, size := range []int{1, 2, 7, 1000} {
			t.Run(fmt.Sprint(tt.name, " in pages of ", size), func(t *testing.T) {
				d := doctor(t, healthy(t))
				tt.change(d)
				report, err := verify.Log(t.Context(), verify.Options{Store: d, MaxRetries: 5, PageSize: size})
				if err != nil {
					t.Fatal(err)
				}
				var got []int64
				for _, f := range report.Findings {
					if f.Guarantee == "G2" && !strings.Contains(f.What, "version") {
						got = append(got, f.Position)
					}
				}
				if slices.Sort(got); len(got) == 0 || got[0] != tt.want[0] || len(got) > len(tt.want) {
					t.Errorf("found at %v, want %v: %+v", got, tt.want, report.Findings)
				}
			})
		}
	}
}

func TestAStoreThatIsGoneIsNoFinding(t *testing.T) {
	if _, err := verify.Log(t.Context(), verify.Options{Store: gone{healthy(t)}}); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Log: %v", err)
	}
}

type gone struct{ ports.EventStore }

func (gone) Read(context.Context, int64, int) ([]events.Recorded, error) {
	return nil, ports.ErrUnavailable
}
