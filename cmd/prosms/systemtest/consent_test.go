package systemtest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

const reader = "+14155552671"

// arrivals counts the calls that reach a provider.
type arrivals struct {
	mu      sync.Mutex
	calls   int
	at      int
	reached chan struct{}
}

// after returns a channel that is closed once n more calls have come.
func (a *arrivals) after(n int) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at, a.reached = a.calls+n, make(chan struct{})
	return a.reached
}

func (a *arrivals) count() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls++; a.reached != nil && a.calls == a.at {
		close(a.reached)
	}
}

// slow puts a delay between the rig and its provider.
func (r *rig) slow(latency time.Duration) *arrivals {
	a := new(arrivals)
	far := r.provider.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		a.count()
		time.Sleep(latency) // what is simulated
		far.ServeHTTP(w, request)
	}))
	r.t.Cleanup(server.Close)
	r.replace("TWILIO_API_BASE_URL", server.URL)
	return a
}

// phones is a sandbox whose phones text an instance, as Twilio's account of the rig.
func (i *instance) phones() *sandbox.Sandbox {
	i.rig.t.Helper()
	phones, err := sandbox.New(sandbox.Config{AuthToken: rigToken, InboundURL: i.url + "/webhooks/twilio/inbound"})
	if err != nil {
		i.rig.t.Fatal(err)
	}
	i.rig.t.Cleanup(func() { _ = phones.Close() })
	return phones
}

// sendTo sends n texts of a lane to one number and returns their ids.
func (i *instance) sendTo(number, lane string, n int) []string {
	i.rig.t.Helper()
	var ids []string
	for len(ids) < n {
		var request struct {
			Messages []outgoing `json:"messages"`
		}
		for range min(500, n-len(ids)) {
			request.Messages = append(request.Messages, outgoing{To: number, Body: "news", Lane: lane})
		}
		var answer struct{ Results []struct{ ID string } }
		if status, err := i.call("POST", "/v1/messages/batch", request, &answer); err != nil || status != http.StatusAccepted {
			i.rig.t.Fatalf("sending: %d, %v", status, err)
		}
		for _, result := range answer.Results {
			ids = append(ids, result.ID)
		}
	}
	return ids
}

// log returns a tenant's log from a cursor on, and the cursor of what follows.
func (i *instance) log(cursor string) ([]events.Recorded, string) {
	i.rig.t.Helper()
	var all []events.Recorded
	for {
		var page struct {
			Data       []events.Recorded
			NextCursor *string `json:"next_cursor"`
		}
		if status, err := i.call("GET", "/v1/events?limit=100&after="+cursor, nil, &page); err != nil || status != http.StatusOK {
			i.rig.t.Fatalf("reading the log: %d, %v", status, err)
		}
		all = append(all, page.Data...)
		if page.NextCursor == nil {
			if len(all) > 0 {
				cursor = strconv.FormatInt(all[len(all)-1].Position, 10)
			}
			return all, cursor
		}
		cursor = *page.NextCursor
	}
}

// The full count, 1,000 texts and 50 repetitions, is that of ./test --long.
func TestNothingIsAttemptedAfterAStop(t *testing.T) {
	t.Parallel()
	texts, repetitions := 200, 2
	if os.Getenv("PROSMS_TEST_LONG") != "" {
		texts, repetitions = 1000, 50
	}
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_DISPATCH_CONCURRENCY=8")
			arrivals := rig.slow(5 * time.Millisecond)
			gateway := rig.start()
			phones := gateway.phones()
			cursor := "0"
			for n := range repetitions {
				// The stop comes while the texts are being sent, somewhat later each time.
				reached := arrivals.after(texts/10 + n%10)
				var stop sync.WaitGroup
				stop.Go(func() {
					<-reached
					if err := phones.Inbound(t.Context(), reader, sandbox.DefaultFrom, "STOP"); err != nil {
						t.Error(err)
					}
				})
				ids := append(gateway.sendTo(reader, "bulk", texts), gateway.sendTo(reader, "normal", texts/4)...)
				stop.Wait()
				var log []events.Recorded
				log, cursor = gateway.logUntilFinal(ids, cursor)
				rig.expectNoneAfterStop(ids, log)
				if err := phones.Inbound(t.Context(), reader, sandbox.DefaultFrom, "START"); err != nil {
					t.Fatal(err)
				}
			}
			gateway.stop()
		})
	}
}

// logUntilFinal reads the log from a cursor on until each of ids has been delivered or
// kept from it, and returns the cursor of what follows.
func (i *instance) logUntilFinal(ids []string, cursor string) (log []events.Recorded, next string) {
	i.rig.t.Helper()
	open := map[string]bool{}
	for _, id := range ids {
		open[id] = true
	}
	eventually(i.rig.t, 60*time.Second, "all at rest", func() bool {
		var more []events.Recorded
		more, cursor = i.log(cursor)
		for _, e := range more {
			switch e.Data.(type) {
			case events.MessageDelivered, events.MessageOptedOut:
				delete(open, e.StreamID)
			}
		}
		log = append(log, more...)
		return len(open) == 0
	})
	return log, cursor
}

// expectNoneAfterStop reads a log at whose begin nobody is opted out: no claim while its
// recipient is opted out, no text sent without a claim, and each of ids at its end.
func (r *rig) expectNoneAfterStop(ids []string, log []events.Recorded) {
	t := r.t
	t.Helper()
	optedOut, stops := false, 0
	last := map[string]string{}
	claims := map[string]int{}
	for _, e := range log {
		switch e.Data.(type) {
		case events.ConsentOptedOut:
			optedOut, stops = true, stops+1
		case events.ConsentOptedIn:
			optedOut = false
		case events.MessageAttempted:
			claims[e.StreamID]++
			if optedOut {
				t.Errorf("position %d: attempted although opted out", e.Position)
			}
		}
		last[e.StreamID] = e.Type
	}
	if stops == 0 || !optedOut {
		t.Errorf("%d opt-outs in the log, the last in force: %v", stops, optedOut)
	}
	sent := r.accepted()
	suppressed := 0
	for _, id := range ids {
		switch last[id] {
		case "message.opted_out":
			if suppressed++; sent[id] != 0 {
				t.Errorf("%s is opted out and was sent", id)
			}
		case "message.delivered":
			if claims[id] != 1 || sent[id] != 1 {
				t.Errorf("%s was claimed %d times and sent %d times", id, claims[id], sent[id])
			}
		default:
			t.Errorf("%s ends with %s", id, last[id])
		}
	}
	if suppressed == 0 || suppressed == len(ids) {
		t.Errorf("%d of %d texts were suppressed: the stop raced against nothing", suppressed, len(ids))
	}
	t.Logf("%d of %d texts were suppressed", suppressed, len(ids))
}

func TestATextToUsIsItsTenantsAndIsHeededAtItsNextText(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_OPT_OUT_REPLY=You get no more texts.")
			gateway := rig.start()
			phones := gateway.phones()
			first := gateway.sendTo(reader, "normal", 1)
			gateway.expectAllDelivered(first, 20*time.Second)
			if err := phones.Inbound(t.Context(), reader, sandbox.DefaultFrom, "please stop texting me"); err != nil {
				t.Fatal(err)
			}
			second := gateway.sendTo(reader, "normal", 1)
			eventually(t, 20*time.Second, "opted out", func() bool { return gateway.statusOf(second[0]) == "opted_out" })
			if n := rig.accepted()[second[0]]; n != 0 {
				t.Errorf("it was sent %d times", n)
			}
			// The one text that goes out all the same.
			confirmation := gateway.confirmed("You get no more texts.")
			eventually(t, 20*time.Second, "the confirmation is delivered", func() bool { return gateway.statusOf(confirmation) == "delivered" })
			if n := rig.accepted()[confirmation]; n != 1 {
				t.Errorf("the confirmation was sent %d times", n)
			}
			if said := rig.command("explain", confirmation); !strings.Contains(said, "to confirm the opt-out") {
				t.Errorf("explained:\n%s", said)
			}
			for path, want := range map[string]string{"/v1/inbound": "please stop texting me", "/v1/opt-outs?source=text": "STOP TEXTING"} {
				eventually(t, 20*time.Second, "in "+path, func() bool {
					var page struct {
						Data []struct{ Body, Keyword string }
					}
					status, err := gateway.call("GET", path, nil, &page)
					return err == nil && status == http.StatusOK && len(page.Data) == 1 && page.Data[0].Body+page.Data[0].Keyword == want
				})
			}
			gateway.stop()
			rig.command("opt-outs", "review", "--tenant", "acme", "--reason", "it says so", reader)
			gateway = rig.start()
			var consent struct {
				OptedOut bool `json:"opted_out"`
				History  []struct{ Reviewed bool }
			}
			if status, err := gateway.call("GET", "/v1/opt-outs/"+reader, nil, &consent); err != nil || status != http.StatusOK ||
				!consent.OptedOut || len(consent.History) != 2 || !consent.History[1].Reviewed {
				t.Errorf("reviewed: %d, %+v, %v", status, consent, err)
			}
			gateway.stop()
			rig.verified()
		})
	}
}

// confirmed returns the id of the one text with a body.
func (i *instance) confirmed(body string) (id string) {
	i.rig.t.Helper()
	eventually(i.rig.t, 20*time.Second, "confirmed", func() bool {
		var page struct{ Data []struct{ ID, Body string } }
		if status, err := i.call("GET", "/v1/messages", nil, &page); err != nil || status != http.StatusOK {
			return false
		}
		n := 0
		for _, m := range page.Data {
			if m.Body == body {
				id, n = m.ID, n+1
			}
		}
		return n == 1
	})
	return id
}

func TestAMarketingTextWaitsForItsHours(t *testing.T) {
	t.Parallel()
	// Hours that began an hour ago in one zone are over in the opposite one.
	now := time.Now().UTC()
	from := now.Add(-time.Hour).Format("15:00")
	until := now.Add(2 * time.Hour).Format("15:00")
	if until < from {
		from, until = "00:00", "02:00" // around midnight
		if now.Hour() >= 22 {
			from, until = "22:00", "24:00"
		}
	}
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, "PROSMS_QUIET_HOURS="+from+"-"+until)
			gateway := rig.start()
			send := func(kind, zone string) string {
				var answer struct{ ID string }
				// Of a country for which there is no rule of its own.
				request := map[string]any{"to": "+4915112345678", "body": kind + zone, "kind": kind, "time_zone": zone}
				if status, err := gateway.call("POST", "/v1/messages", request, &answer); err != nil || status != http.StatusAccepted {
					t.Fatalf("sending: %d, %v", status, err)
				}
				return answer.ID
			}
			here, there, urgent := send("marketing", "UTC"), send("marketing", "Etc/GMT+12"), send("transactional", "Etc/GMT+12")
			eventually(t, 20*time.Second, "delivered", func() bool {
				return gateway.statusOf(here) == "delivered" && gateway.statusOf(urgent) == "delivered"
			})
			eventually(t, 20*time.Second, "deferred", func() bool { return gateway.statusOf(there) == "scheduled" })
			gateway.expectTypes(there, "message.accepted", "message.deferred")
			deferred := gateway.timeline(there)[1].Data.(events.MessageDeferred)
			if wait := time.Until(deferred.Until); deferred.Reason != "quiet_hours" || wait < time.Hour || wait > 24*time.Hour {
				t.Errorf("deferred for %s, %s", wait, deferred.Reason)
			}
			if n := rig.accepted()[there]; n != 0 {
				t.Errorf("it was sent %d times", n)
			}
			if status, err := gateway.call("POST", "/v1/messages/"+there+"/cancel", nil, nil); err != nil || status != http.StatusOK {
				t.Errorf("canceling what is deferred: %d, %v", status, err)
			}
			gateway.stop()
		})
	}
}

func TestOptOutsAreImportedExportedAndLiftedOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			file := filepath.Join(t.TempDir(), "numbers.csv")
			write := func(content string) {
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("number,why\n+1 415 555 2671,paper form\n\n\"+14155552672\"\n+14155552671\n")
			for range 2 {
				if got := rig.command("opt-outs", "import", "--tenant", "acme", file); got != "opted out: 3\n" {
					t.Errorf("import prints %q", got)
				}
			}
			exported := rig.command("opt-outs", "export", "--tenant", "acme")
			lines := strings.Split(strings.TrimSpace(exported), "\n")
			if len(lines) != 3 || lines[0] != "number,source,keyword,at" || !strings.HasPrefix(lines[1], "+14155552672,operator,,") {
				t.Errorf("export prints\n%s", exported)
			}
			rig.command("opt-outs", "lift", "--tenant", "acme", "+14155552672")
			write(rig.command("opt-outs", "export", "--tenant", "acme"))
			if got := rig.command("opt-outs", "import", "--tenant", "other", file); got != "opted out: 1\n" {
				t.Errorf("import of what was exported prints %q", got)
			}
			// One line that is no number, and nothing is changed.
			write("+14155552673\n+1415\n")
			_, err := rig.attempt("opt-outs", "import", "--tenant", "acme", file)
			if err == nil || !strings.Contains(err.Error(), "line 2: no number: ") || strings.Contains(err.Error(), "1415") {
				t.Errorf("import of a broken file: %v", err)
			}
			if got := rig.command("opt-outs", "export", "--tenant", "acme"); strings.Count(got, "\n") != 2 {
				t.Errorf("afterwards export prints\n%s", got)
			}
		})
	}
}
