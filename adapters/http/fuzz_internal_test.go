package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
)

func FuzzCursor(f *testing.F) {
	place := &ports.Cursor{Key: time.Date(2030, 1, 31, 8, 0, 0, 1000, time.UTC), ID: "msg_1"}
	f.Add(byte(messageList), *encodeCursor(messageList, place))
	f.Add(byte(keyList), *encodeCursor(messageList, place))
	f.Add(byte(0), "")
	f.Add(byte('m'), "AAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, list byte, given string) {
		q := &query{values: url.Values{"cursor": {given}}}
		c := q.cursor(list)
		if (c == nil) == (q.err == nil) {
			t.Fatalf("read as %v with %v", c, q.err)
		}
		if c == nil {
			return
		}
		if at := c.Key.(time.Time); at.Year() < 1970 || at.Year() > 9999 || !wellFormed(c.ID) {
			t.Fatalf("a store is asked for what follows %v %q", at, c.ID)
		}
		if again := encodeCursor(list, c); *again != given {
			t.Fatalf("%q is given as %q", given, *again)
		}
	})
}

// Whatever the body, it is read or refused as a client's fault, and the refusal
// repeats nothing of it.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{"to":"+14155552671","body":"canary-canary"}`, `{"scopes":["admin"],"allowed_ips":["192.0.2.0/24"],"rate":1}`, `{"overlap":"24h"}`,
		`{"filter":{"code":"canary-canary","created_after":"2030-01-31T08:00:00Z"},"reason":"x","rate":10,"dry_run":true}`, `{"reason":"x"}`,
		`{"canary-canary":1}`, `{"to":{"a":[1,2,{"canary-canary":null}]}}`, strings.Repeat(`{"a":`, 100), `{"metadata":{"a":"b","a":"c"}}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, read := range map[string]func(*decoder) error{
			"a text":     func(d *decoder) error { return readSend(d, &commands.Send{}) },
			"a key":      func(d *decoder) error { return readIssueKey(d, &commands.IssueKey{}) },
			"a rotation": func(d *decoder) error { return readRotateKey(d, new(string)) },
			"a reason":   func(d *decoder) error { return readReason(d, new(string)) },
			"a replay":   func(d *decoder) error { return readReplay(d, &replayRequest{}, true) },
		} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")
			err := readJSON(httptest.NewRecorder(), r, maxBody, read)
			if err == nil {
				if !json.Valid(body) {
					t.Fatalf("%s is read from what is no JSON: %q", name, body)
				}
				continue
			}
			p, foreseen := problemOf(err)
			shown, _ := json.Marshal(p)
			if !foreseen || p.Status < 400 || p.Status > 499 || strings.Contains(string(shown), "canary-canary") {
				t.Fatalf("%s from %q is answered %s", name, body, shown)
			}
		}
	})
}

func FuzzClient(f *testing.F) {
	f.Add("10.0.0.1:1", "192.0.2.7, 10.0.0.2")
	f.Add("[2001:db8::1%eth0]:1", "::ffff:192.0.2.7")
	f.Add("@", ",,")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		direct := (&api{}).client(r)
		behind := (&api{Server: Server{TrustedProxies: trusted}}).client(r)
		if !trusted[0].Contains(direct) && behind != direct {
			t.Fatalf("%v passes for %v", direct, behind)
		}
		if direct.IsValid() && counted(behind) == "unknown" || behind.Zone() != "" || len(counted(behind)) > 45 {
			t.Fatalf("counted as %s", counted(behind))
		}
	})
}
