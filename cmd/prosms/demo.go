package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
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

// Run serves a demo until ctx ends. It reads nothing of the environment, so that
// it is the same everywhere.
func (d demoCommand) Run(ctx context.Context, p process) error {
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	if _, err := keep(filepath.Join(d.Data, masterKeyFile), newMasterKey); err != nil {
		return fmt.Errorf("keeping the master key: %w", err)
	}
	config, err := loadConfig([]string{
		"DATABASE_URL=sqlite://" + filepath.Join(d.Data, demoDatabase),
		"PROSMS_HTTP_ADDR=" + d.HTTP, "PROSMS_ADMIN_ADDR=" + d.Admin,
		"PROSMS_DEFAULT_REGION=US", "PROSMS_DEFAULT_TENANT=" + demoTenant, "PROSMS_LOG_LEVEL=warn", "PROSMS_WEBHOOK_ALLOW_PRIVATE=true",
		// The sandbox is quick, and somebody is watching.
		"PROSMS_PROVIDER_TIMEOUT=10s", "PROSMS_RECONCILE_DELAYS=1s,3s,5s", "PROSMS_RECONCILE_DELAYS_HIGH=1s,2s,3s",
		"PROSMS_RETRY_DELAYS=5s,30s,5m,30m,1h",
	})
	if err != nil {
		return err
	}
	token, err := keep(filepath.Join(d.Data, demoToken), rand.Text)
	if err != nil {
		return err
	}
	return serve(ctx, config, options{
		roles: allRoles, demo: true,
		log: newLogger(p.Stderr, config),
		sandbox: sandboxOptions{
			addr: d.Phone, token: token, callbackDelay: 300 * time.Millisecond,
			ledger: filepath.Join(d.Data, demoLedger),
		},
		ready: func(ctx context.Context, g gateway) error { return d.welcome(ctx, p, g) },
	})
}

// welcome prints what a newcomer needs, with a curl line that works.
func (d demoCommand) welcome(ctx context.Context, p process, g gateway) error {
	key, err := d.key(ctx, g.commands)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, `
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

Stop with Ctrl-C, or kill -9 it: nothing is lost.
`, d.Data, g.httpURL, g.phoneURL, key, filepath.Join(d.Data, demoKey), g.wayIn)
	return err
}

// key returns the demo's API key, which is made at its first start.
func (d demoCommand) key(ctx context.Context, handler *commands.Handler) (string, error) {
	path := filepath.Join(d.Data, demoKey)
	kept, err := os.ReadFile(path)
	if err == nil {
		secret := strings.TrimSpace(string(kept))
		credential, ok := commands.ParseCredential(secret)
		if !ok {
			return "", fmt.Errorf("reading %s: not an API key", path)
		}
		key, err := handler.Key(ctx, credential)
		if err == nil && credential.Opens(key, time.Now()) {
			return secret, nil
		}
		if err != nil {
			return "", err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the API key: %w", err)
	}
	issued, err := handler.IssueKey(ctx, operator(), commands.IssueKey{Tenant: demoTenant, Scopes: []string{"admin"}})
	if err != nil {
		return "", err
	}
	return issued.Secret, writeSecret(path, issued.Secret)
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
