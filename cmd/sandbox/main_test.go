package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// start runs the program and returns its URL and a function that ends it.
func start(t *testing.T, args ...string) (base string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append([]string{"-http", "127.0.0.1:0"}, args...), in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(line, "listening on ")
	base, _, _ = strings.Cut(rest, ",")
	return base, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestWhatWasAcceptedIsThereAfterARestart(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger.jsonl")
	base, stop := start(t, "-ledger", ledger, "-token", "hush")
	form := url.Values{"To": {"+14155550100"}, "From": {sandbox.DefaultFrom}, "Body": {"Hello"}}.Encode()
	req, err := http.NewRequest(http.MethodPost, base+"/2010-04-01/Accounts/"+sandbox.DefaultAccountSID+"/Messages.json", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(sandbox.DefaultAccountSID, "hush")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("status %d", resp.StatusCode)
	}
	stop()

	base, stop = start(t, "-ledger", ledger)
	defer stop()
	if got := get(t, base+"/count"); got != "1\n" {
		t.Errorf("count %q", got)
	}
	if !strings.Contains(get(t, base+"/"), "Hello") {
		t.Error("the phone does not show the text")
	}
}

func TestWhatCannotStartSaysSo(t *testing.T) {
	for _, args := range [][]string{{"-http", "127.0.0.1:no"}, {"-ledger", t.TempDir()}, {"-nonsense"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("help: %v", err)
	}
}
