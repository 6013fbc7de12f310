package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

// Files of a demo's folder.
const (
	demoDatabase = "prosms.db"
	demoLedger   = "sandbox.ndjson" // what the sandbox has accepted: its memory over a restart
	demoToken    = "sandbox-token"
	demoKey      = "api-key"
)

const demoTenant = "demo"

type demoCommand struct {
	Data  string `help:"Folder for the log and the key; the next demo goes on with it." default:"demo-data" type:"path"`
	HTTP  string `help:"Address of the API." default:"127.0.0.1:8080" name:"http"`
	Admin string `help:"Address of the admin pages, health and profiles." default:"127.0.0.1:8081"`
	Phone string `help:"Address of the phone page." default:"127.0.0.1:8082"`
}

// Run serves a demo until ctx ends: the gateway in a process of its own, so that it
// can be killed, and in this one what must outlive that, the sandbox and its phone. It
// reads nothing of the environment, so that it is the same everywhere.
func (d demoCommand) Run(ctx context.Context, p process) (err error) {
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	if _, err := keep(filepath.Join(d.Data, masterKeyFile), newMasterKey); err != nil {
		return fmt.Errorf("keeping the master key: %w", err)
	}
	token, err := keep(filepath.Join(d.Data, demoToken), rand.Text)
	if err != nil {
		return err
	}
	if err := errors.Join(settle(ctx, "the API", &d.HTTP), settle(ctx, "the admin pages", &d.Admin), settle(ctx, "the phone", &d.Phone)); err != nil {
		return fmt.Errorf("%w\n--http, --admin and --phone take other addresses, such as 127.0.0.1:9080", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.Phone)
	if err != nil {
		return fmt.Errorf("listening for the phone: %w", err)
	}
	phoneURL := "http://" + reachable(listener.Addr())
	apiURL := "http://" + reachable(address(d.HTTP))
	worker := &demoKeeper{
		args: []string{"demo-worker", "--data", d.Data, "--http", d.HTTP, "--admin", d.Admin, "--sandbox", phoneURL}, process: p,
		burst: demoBurst{url: apiURL}, welcome: func(r demoReady) error { return d.welcome(p, r, phoneURL) },
	}
	fake, err := sandbox.New(sandbox.Config{
		AuthToken: token, LedgerPath: filepath.Join(d.Data, demoLedger), CallbackDelay: 300 * time.Millisecond,
		InboundURL: apiURL + "/webhooks/twilio/inbound", Worker: worker, AdminURL: "http://" + reachable(address(d.Admin)),
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fake.Compare(worker.records)
	worker.changed, worker.burst.took = fake.Changed, fake.Took

	// The worker ends first: its last calls are answered.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	parts, running := errgroup.WithContext(ctx)
	parts.Go(func() error { return serveHTTP(serving, listener, fake.Handler(), slog.New(slog.DiscardHandler)) })
	parts.Go(func() error { return worker.burst.run(running, worker.changed) })
	parts.Go(func() error {
		err := worker.run(running)
		err = errors.Join(err, fake.Close()) // ends the calls that hang
		stop()
		return err
	})
	defer stop()
	return parts.Wait()
}

// settle makes sure that addr can be listened on, and gives it a port where it asks
// for any: the worker must be found there again when it has been killed.
func settle(ctx context.Context, what string, addr *string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return fmt.Errorf("listening for %s: %w", what, err)
	}
	if _, port, err := net.SplitHostPort(*addr); err == nil && port == "0" {
		*addr = listener.Addr().String()
	}
	return listener.Close()
}

// address is that of a listener yet to come.
type address string

// Network implements net.Addr.
func (address) Network() string { return "tcp" }

// String implements net.Addr.
func (a address) String() string { return string(a) }

// welcome prints what a newcomer needs, with a curl line that works.
func (d demoCommand) welcome(p process, r demoReady, phoneURL string) error {
	_, err := fmt.Fprintf(p.Stdout, `
Pro-SMS demo is running. Everything it knows is in %[1]s

  API        %[2]s      docs at %[2]s/docs
  Phone      %[3]s      where the texts arrive
  Admin      %[6]s
             opens once and lets you in
  API key    %[4]s      also in %[5]s

Send a text:

  curl -sS %[2]s/v1/messages -H 'Authorization: Bearer %[4]s' -H 'Content-Type: application/json' -d '{"to":"+14155552671","body":"Hello from Pro-SMS"}'

See what became of it (with the id of the answer):

  curl -sS %[2]s/v1/messages/ID -H 'Authorization: Bearer %[4]s'

Stop with Ctrl-C, or kill -9 it: nothing is lost. The phone has a button for that, too.
`, d.Data, r.HTTP, phoneURL, r.Key, filepath.Join(d.Data, demoKey), r.WayIn)
	return err
}

// keep returns what the file holds, which is made when there is none.
func keep(path string, make func() string) (string, error) {
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	value := make()
	return value, writeSecret(path, value)
}

// writeSecret writes a file that only its owner can read, whole or not at all.
func writeSecret(path, value string) error {
	if err := os.WriteFile(path+".new", []byte(value+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
