package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/events"
)

// callback is one that arrived.
type callback struct {
	uri    string
	form   url.Values
	token  string // I-Twilio-Idempotency-Token
	signed bool
}

// receive returns the URL of a server that answers callbacks one after the other
// with statuses, then with 204.
func receive(t *testing.T, statuses ...int) (string, <-chan callback) {
	t.Helper()
	seen, base := make(chan callback, 100), ""
	answers := make(chan int, len(statuses))
	for _, s := range statuses {
		answers <- s
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		seen <- callback{
			uri: r.RequestURI, form: form, token: r.Header.Get("I-Twilio-Idempotency-Token"),
			signed: twilio.VerifySignature([]string{sandbox.DefaultAuthToken}, base+r.RequestURI, body, r.Header.Get("X-Twilio-Signature")),
		}
		select {
		case status := <-answers:
			w.WriteHeader(status)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	base = server.URL
	t.Cleanup(server.Close)
	return base, seen
}

// arrived waits for n callbacks and returns them.
func arrived(t *testing.T, seen <-chan callback, n int) []callback {
	t.Helper()
	var got []callback
	for range n {
		select {
		case c := <-seen:
			got = append(got, c)
		case <-time.After(10 * time.Second):
			t.Fatalf("%d of %d callbacks arrived", len(got), n)
		}
	}
	return got
}

// finished waits until every text has had its last status, and returns them.
func (b box) finished() []sandbox.Message {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		entries := b.Ledger(0, 100).Entries
		if !slices.ContainsFunc(entries, func(m sandbox.Message) bool { return !m.Finished }) {
			return entries
		}
	}
	b.t.Fatal("a text has not had its last status")
	return nil
}

func statuses(got []callback) []string {
	var s []string
	for _, c := range got {
		s = append(s, c.form.Get("MessageStatus"))
	}
	return s
}

func TestCallbacksTellWhatBecameOfAText(t *testing.T) {
	t.Parallel()
	const viaService = "MG0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		name      string
		pairs     []string
		callbacks *sandbox.Callbacks
		want      []string
		status    string // in the end
		code      string // of the last callback
	}{
		{"delivered", nil, nil, []string{"sent", "delivered"}, "delivered", ""},
		{"a service first chooses a sender", []string{"From", "", "MessagingServiceSid", viaService}, nil, []string{"queued", "sent", "delivered"}, "delivered", ""},
		{"undelivered", []string{"To", sandbox.ToUndelivered}, nil, []string{"sent", "undelivered"}, "undelivered", "30003"},
		{"filtered", []string{"To", sandbox.ToFiltered}, nil, []string{"failed"}, "failed", "30007"},
		{"opted out, as shows later", []string{"To", sandbox.ToOptedOutLate}, nil, []string{"failed"}, "failed", "21610"},
		{"untidy", []string{"To", sandbox.ToUntidy}, nil, []string{"delivered", "delivered", "sent", "sent"}, "delivered", ""},
		{"twice", nil, &sandbox.Callbacks{Duplicate: true}, []string{"sent", "sent", "delivered", "delivered"}, "delivered", ""},
		{"last first", nil, &sandbox.Callbacks{Reorder: true}, []string{"delivered", "sent"}, "delivered", ""},
		{"as scripted", nil, &sandbox.Callbacks{Steps: []sandbox.Step{{Status: "sending"}, {Status: "failed", ErrorCode: 30008}}}, []string{"sending", "failed"}, "failed", "30008"},
		{"lost", nil, &sandbox.Callbacks{Drop: true}, nil, "delivered", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base, seen := receive(t)
			b := open(t, sandbox.Config{})
			if tt.callbacks != nil {
				b.script(sandbox.Fault{Callbacks: tt.callbacks})
			}
			sid := b.sid(append(tt.pairs, "StatusCallback", base+"/status?m=msg_1&a=4#rc=5&rp=all")...)
			got := arrived(t, seen, len(tt.want))
			if !slices.Equal(statuses(got), tt.want) {
				t.Errorf("got %v, want %v", statuses(got), tt.want)
			}
			for _, c := range got {
				if !c.signed || c.uri != "/status?m=msg_1&a=4" || c.form.Get("MessageSid") != sid || c.token == "" {
					t.Errorf("got %+v", c)
				}
			}
			if n := len(got); n > 0 && got[n-1].form.Get("ErrorCode") != tt.code {
				t.Errorf("error code %q, want %q", got[n-1].form.Get("ErrorCode"), tt.code)
			}
			if m := b.finished()[0]; m.Status != tt.status || m.MessageID != "msg_1" || m.Attempt != 4 || len(seen) > 0 {
				t.Errorf("ended as %+v", m)
			}
		})
	}
}

func TestCallbacksCanBeForged(t *testing.T) {
	t.Parallel()
	base, seen := receive(t)
	b := open(t, sandbox.Config{})
	b.script(sandbox.Fault{Callbacks: &sandbox.Callbacks{WrongSignature: true}})
	b.sid("StatusCallback", base)
	for _, c := range arrived(t, seen, 2) {
		if c.signed {
			t.Error("the signature is right")
		}
	}
}

func TestFailedCallbacksAreRepeatedAsAsked(t *testing.T) {
	t.Parallel()
	once := []sandbox.Step{{Status: "sent"}}
	for _, tt := range []struct {
		name     string
		fragment string
		answers  []int
		arrive   int
		lost     int64
	}{
		{"not at all by default, once connected", "", []int{500}, 1, 1},
		{"on everything", "#rc=5&rp=all", []int{500, 404, 503}, 4, 0},
		{"so many times", "#rc=1&rp=all", []int{500, 500, 500}, 2, 1},
		{"on 5xx alone", "#rc=5&rp=5xx", []int{503, 404}, 2, 1},
		{"on 4xx alone", "#rc=5&rp=4xx", []int{404, 503}, 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base, seen := receive(t, tt.answers...)
			b := open(t, sandbox.Config{})
			b.script(sandbox.Fault{Callbacks: &sandbox.Callbacks{Steps: once}})
			b.sid("StatusCallback", base+"/"+tt.fragment)
			first := arrived(t, seen, tt.arrive)
			if slices.ContainsFunc(first, func(c callback) bool { return c.token != first[0].token }) {
				t.Error("a repeat has another idempotency token")
			}
			b.finished()
			if l := b.Ledger(0, 0); l.CallbacksLost != tt.lost || l.CallbacksDelivered != 1-tt.lost || len(seen) > 0 {
				t.Errorf("counts %+v", l.Counts)
			}
		})
	}
}

func TestTextsBeyondTheBoundStayAsTheyAre(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{MaxPending: 1})
	b.still()
	b.sid()
	b.sid()
	if l := b.Ledger(0, 0); l.CallbacksLost != 2 {
		t.Errorf("%d callbacks given up, want the second text's 2", l.CallbacksLost)
	}
}

func TestStatusesComeAfterTheDelay(t *testing.T) {
	t.Parallel()
	base, seen := receive(t)
	b := open(t, sandbox.Config{CallbackDelay: 30 * time.Millisecond})
	begun := time.Now()
	b.sid("StatusCallback", base)
	arrived(t, seen, 2)
	if took := time.Since(begun); took < 60*time.Millisecond {
		t.Errorf("both came within %v", took)
	}
	soon := events.Duration(0)
	b.script(sandbox.Fault{Callbacks: &sandbox.Callbacks{Delay: &soon}})
	b.sid("StatusCallback", base)
	arrived(t, seen, 2)
}
