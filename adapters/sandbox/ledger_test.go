package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

func TestTheLedgerCountsWhatWasAcceptedTwice(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{})
	for i, m := range []string{"m1", "m2", "m1", "m1"} {
		b.sid("StatusCallback", fmt.Sprintf("http://127.0.0.1:1/?m=%s&a=%d#rc=0", m, i))
	}
	b.sid() // without a name
	b.create("To", "")
	var l sandbox.Ledger
	if err := json.Unmarshal([]byte(b.do(http.MethodGet, "/_sandbox/ledger?after=1&limit=2", "", "").body), &l); err != nil {
		t.Fatal(err)
	}
	if l.Accepted != 5 || l.Duplicates != 2 || l.Requests != 6 || l.Repeated["m1"] != 3 || len(l.Repeated) != 1 {
		t.Errorf("got %+v", l)
	}
	if l.Next != 3 || len(l.Entries) != 2 || l.Entries[0].MessageID != "m2" || l.Entries[1].Attempt != 2 {
		t.Errorf("entries %+v, next %d", l.Entries, l.Next)
	}
	if a := b.do(http.MethodGet, "/count", "", ""); a.body != "5\n" {
		t.Errorf("count %q", a.body)
	}
}

func TestTheLedgerForgetsTheOldestAndCountsOn(t *testing.T) {
	t.Parallel()
	b := open(t, sandbox.Config{Keep: 3})
	var sids []string
	for range 10 {
		sids = append(sids, b.sid())
	}
	l := b.Ledger(0, 100)
	if l.Accepted != 10 || l.Forgotten != 7 || l.Next != 10 || len(l.Entries) != 3 || l.Entries[0].SID != sids[7] {
		t.Errorf("got %+v", l)
	}
	if a := b.do(http.MethodGet, messages+"/"+sids[0]+".json", "", ""); a.status != 404 {
		t.Errorf("the oldest is still there: %d", a.status)
	}
	if got := b.do(http.MethodGet, messages+".json?To=%2B14155550100", "", ""); len(field[[]any](t, got, "messages")) != 3 {
		t.Errorf("listed: %s", got.body)
	}
}

func TestTheLedgerFileOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	base, seen := receive(t)
	first, err := sandbox.New(sandbox.Config{LedgerPath: path})
	if err != nil {
		t.Fatal(err)
	}
	b := serve(t, first)
	delivered := b.sid("StatusCallback", base+"/?m=m1&a=1")
	arrived(t, seen, 2)
	b.finished()
	b.still()
	waiting := b.sid("StatusCallback", base+"/?m=m1&a=2")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// A crash in the middle of a line: it was never answered for.
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"accepted":{"sid":"SMcut`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	b = open(t, sandbox.Config{LedgerPath: path})
	if got := statuses(arrived(t, seen, 2)); !slices.Equal(got, []string{"sent", "delivered"}) {
		t.Errorf("the text that was waiting was reported as %v", got)
	}
	third := b.sid()
	b.finished()
	l := b.Ledger(0, 10)
	if l.Accepted != 3 || l.Duplicates != 1 || len(l.Entries) != 3 {
		t.Fatalf("got %+v", l)
	}
	for i, want := range []string{delivered, waiting, third} {
		if m := l.Entries[i]; m.SID != want || m.Status != "delivered" || m.Body != "Hello" {
			t.Errorf("entry %d: %+v", i, m)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file, which has numbers and bodies, is %v, %v", info.Mode(), err)
	}
}

func TestALedgerFileThatIsSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	if err := os.WriteFile(path, []byte("dear diary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.New(sandbox.Config{LedgerPath: path}); err == nil || !strings.Contains(err.Error(), "reading ledger") {
		t.Errorf("got %v", err)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "dear diary\n" {
		t.Errorf("the file was changed to %q, %v", kept, err)
	}
}

func TestNothingIsAcceptedThatCannotBeWrittenDown(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Config{LedgerPath: filepath.Join(t.TempDir(), "ledger.jsonl")})
	if err != nil {
		t.Fatal(err)
	}
	b := serve(t, s)
	if err := s.Close(); err != nil { // the file is gone with it
		t.Fatal(err)
	}
	if a := b.create(); a.status != 500 || b.Ledger(0, 0).Accepted != 0 {
		t.Errorf("status %d: %s", a.status, a.body)
	}
}
