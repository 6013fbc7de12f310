package systemtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/ports"
)

// forgettable are texts with the canary's number and body in all that is kept of them.
func (c *canary) forgettable() {
	t := c.rig.t
	t.Helper()
	c.send(nil, "delivered")
	c.send([]sandbox.Fault{{Do: sandbox.Fail, Status: http.StatusBadRequest, Code: 21211}}, "dead_lettered")
	c.send([]sandbox.Fault{{Do: sandbox.Drop, Accept: true}}, "delivered")
	if code, err := c.call("POST", "/v1/messages", outgoing{
		To: "+1" + canaryNumber, Body: canaryWord + " later", SendAt: time.Now().Add(time.Hour).Format(time.RFC3339),
	}, nil); err != nil || code != http.StatusAccepted {
		t.Fatalf("scheduling: %d, %v", code, err)
	}
	phone, err := sandbox.New(sandbox.Config{AuthToken: rigToken, InboundURL: c.url + "/webhooks/twilio/inbound"})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	for _, body := range []string{canaryWord, "STOP"} {
		if err := phone.Inbound(context.Background(), "+1"+canaryNumber, sandbox.DefaultFrom, body); err != nil {
			t.Fatal(err)
		}
	}
}

// forms are the bytes by which a secret can be found.
func forms(secret string) map[string]string {
	found := map[string]string{"plain": secret, "hex": hex.EncodeToString([]byte(secret))}
	for i := range 3 { // whatever stands before it
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", i) + secret))
		found[fmt.Sprint("base64 ", i)] = encoded[2+i : len(encoded)-4]
	}
	return found
}

// wantAbsent looks for the canary in everything that is kept.
func wantAbsent(t *testing.T, kept map[string][]byte) {
	t.Helper()
	for where, content := range kept {
		if len(content) == 0 {
			t.Errorf("%s: empty", where)
		}
		content = bytes.ToLower(content)
		for _, secret := range []string{canaryNumber, canaryWord} {
			for form, mark := range forms(secret) {
				if at := bytes.Index(content, bytes.ToLower([]byte(mark))); at >= 0 {
					t.Errorf("%s holds %s (%s):\n…%q…", where, secret, form, content[max(0, at-200):min(len(content), at+100)])
				}
			}
		}
	}
}

// dump returns all rows of all tables, or the bytes of all files.
func (r *rig) dump() map[string][]byte {
	r.t.Helper()
	kept := map[string][]byte{}
	if path, ok := strings.CutPrefix(r.value("DATABASE_URL"), "sqlite://"); ok {
		files, err := filepath.Glob(strings.TrimSuffix(path, ".db") + "*")
		if err != nil || len(files) < 2 {
			r.t.Fatalf("%d files, %v", len(files), err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				r.t.Fatal(err)
			}
			if len(content) > 0 {
				kept[filepath.Base(file)] = content
			}
		}
		return kept
	}
	conn, err := pgx.Connect(r.t.Context(), r.value("DATABASE_URL"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	query := func(sql string) []string {
		rows, err := conn.Query(r.t.Context(), sql)
		if err != nil {
			r.t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			r.t.Fatal(err)
		}
		return found
	}
	for _, table := range query(`SELECT format('%I', table_name) FROM information_schema.tables WHERE table_schema = 'public'`) {
		if rows := query(`SELECT t::text FROM ` + table + ` AS t`); len(rows) > 0 {
			kept["table "+table] = []byte(strings.Join(rows, "\n"))
		}
	}
	return kept
}

// tap returns what goes through the broker from now on, once it is called.
func (r *rig) tap() func() []byte {
	r.t.Helper()
	conn, err := amqp.Dial(r.value("RABBITMQ_URL"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	if err != nil {
		r.t.Fatal(err)
	}
	queue, err := channel.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	prefix := r.value("PROSMS_RABBITMQ_PREFIX")
	for exchange, keys := range map[string][]string{ports.TopicEvents: {"#"}, "sms.dispatch": {"high", "normal", "bulk"}} {
		for _, key := range keys {
			if err := channel.QueueBind(queue.Name, key, prefix+exchange, false, nil); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	return func() []byte {
		var all []byte
		for {
			frame, ok, err := channel.Get(queue.Name, true)
			if err != nil {
				r.t.Fatal(err)
			}
			if !ok {
				return all
			}
			all = fmt.Appendf(all, "%v %s\n", frame.Headers, frame.Body)
		}
	}
}

// The twin of TestNumbersAndBodiesAreNowhereButInTheLogOfEvents: what is kept holds
// none either, before somebody is forgotten and after; and then nobody can read it.
func TestWhatIsKeptHoldsNoNumberAndNoBodyAndForgettingIsForEver(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t, full, "PROSMS_PROVIDER_TIMEOUT=1s", "PROSMS_RECONCILE_DELAYS=1s,1s,1s", "PROSMS_RETRY_DELAYS=1s", "PROSMS_MAX_RETRIES=1",
				"PROSMS_MASTER_KEY="+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
			c := &canary{instance: rig.start()}
			broker := func() []byte { return nil }
			if full {
				broker = rig.tap()
			}
			c.forgettable()
			var listed struct{ Data []outgoing }
			eventually(t, 20*time.Second, "listed", func() bool {
				code, err := c.call("GET", "/v1/messages?to=%2B1"+canaryNumber, nil, &listed)
				return err == nil && code == http.StatusOK && len(listed.Data) == 4
			})
			for _, m := range listed.Data {
				if m.To != "+1"+canaryNumber || !strings.Contains(m.Body, canaryWord) {
					t.Errorf("before it is forgotten a text reads %+v", m)
				}
			}
			c.stop()
			kept := rig.dump()
			if full {
				kept["the broker"] = broker()
			}
			wantAbsent(t, kept)

			c.instance = rig.start()
			for range 2 {
				var done struct{ Subject string }
				if code, err := c.call("POST", "/v1/subjects/forget", map[string]string{"number": "+1" + canaryNumber}, &done); err != nil || code != http.StatusOK || done.Subject == "" {
					t.Fatalf("forgetting: %d, %v", code, err)
				}
			}
			listed.Data = nil
			if code, err := c.call("GET", "/v1/messages?to=%2B1"+canaryNumber, nil, &listed); err != nil || code != http.StatusOK || len(listed.Data) != 4 {
				t.Fatalf("listing: %d texts, %d, %v", len(listed.Data), code, err)
			}
			for _, m := range listed.Data {
				if m.To != "[erased]" || m.Body != "[erased]" {
					t.Errorf("afterwards a text reads %+v", m)
				}
			}
			var consent struct {
				OptedOut bool `json:"opted_out"`
			}
			if code, err := c.call("GET", "/v1/opt-outs/+1"+canaryNumber, nil, &consent); err != nil || code != http.StatusOK || !consent.OptedOut {
				t.Errorf("consent: %+v, %d, %v", consent, code, err)
			}
			// A new text is still stopped by the opt-out.
			var sent struct{ ID string }
			if code, err := c.call("POST", "/v1/messages", outgoing{To: "+1" + canaryNumber, Body: canaryWord}, &sent); err != nil || code != http.StatusAccepted {
				t.Fatalf("sending: %d, %v", code, err)
			}
			eventually(t, 20*time.Second, "stopped by the opt-out", func() bool { return c.statusOf(sent.ID) == "opted_out" })
			c.stop()

			kept = rig.dump()
			kept["the logs"] = []byte(c.output.String() + "end")
			if full {
				kept["the broker"] = append(broker(), "end"...)
			}
			wantAbsent(t, kept)
			rig.command("verify")
			for _, view := range []string{"messages", "opt_outs", "inbound", "contacts", "dead_letters"} {
				rig.command("replay", "--projection", view, "--diff")
			}
		})
	}
}

// The command line forgets what the gateway has written.
func TestForgettingByCommandLine(t *testing.T) {
	t.Parallel()
	rig := newRig(t, false)
	gateway := rig.start()
	var sent struct{ ID string }
	if code, err := gateway.call("POST", "/v1/messages", outgoing{To: sandbox.ToDelivered, Body: "secret"}, &sent); err != nil || code != http.StatusAccepted {
		t.Fatalf("sending: %d, %v", code, err)
	}
	eventually(t, 20*time.Second, "delivered", func() bool { return gateway.statusOf(sent.ID) == "delivered" })
	if said := rig.command("explain", "--personal", sent.ID); !strings.Contains(said, sandbox.ToDelivered) || !strings.Contains(said, "secret") {
		t.Errorf("before: %s", said)
	}
	gateway.stop()
	if said := rig.command("forget", "--tenant", "acme", sandbox.ToDelivered); !strings.HasPrefix(said, "forgotten: subject ") || strings.Contains(said, sandbox.ToDelivered) {
		t.Errorf("forgetting: %s", said)
	}
	if said := rig.command("explain", "--personal", sent.ID); strings.Contains(said, sandbox.ToDelivered) || strings.Contains(said, "secret") || !strings.Contains(said, "[erased]") {
		t.Errorf("afterwards: %s", said)
	}
}
