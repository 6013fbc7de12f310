package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// demoWorker is the gateway of a demo, in a process that may be killed. It hears from
// the demo by its standard input and tells it by its standard output.
type demoWorker struct {
	Data    string `required:"" type:"path"`
	HTTP    string `required:"" name:"http"`
	Admin   string `required:""`
	Sandbox string `required:"" help:"URL of the demo's sandbox."`
}

// demoStop on a worker's standard input asks it to stop; when that ends without it,
// the demo is gone.
const demoStop = "stop"

// demoReport is a line that a worker tells.
type demoReport struct {
	Ready    *demoReady       `json:"ready,omitempty"`    // it takes requests
	Statuses map[string]int64 `json:"statuses,omitempty"` // texts by status, when that has changed
}

// demoReady is what a worker can be reached by.
type demoReady struct {
	HTTP  string `json:"http"`
	Admin string `json:"admin"`
	WayIn string `json:"way_in"`
	Key   string `json:"key"`
}

// Run serves until ctx ends or the demo says so, and ends at once when the demo has
// ended.
func (d demoWorker) Run(ctx context.Context, p process) error {
	config, err := loadConfig([]string{
		"DATABASE_URL=sqlite://" + filepath.Join(d.Data, demoDatabase),
		"PROSMS_HTTP_ADDR=" + d.HTTP, "PROSMS_ADMIN_ADDR=" + d.Admin,
		"PROSMS_DEFAULT_TENANT=" + demoTenant, "PROSMS_LOG_LEVEL=warn", "PROSMS_WEBHOOK_ALLOW_PRIVATE=true",
		"PROSMS_OPT_OUT_REPLY=You get no more texts from us. Text START to get them again.",
		"PROSMS_HELP_REPLY=This is the demo of Pro-SMS. Text STOP to get no more texts.",
		// The sandbox is quick, and somebody is watching.
		"PROSMS_PROVIDER_TIMEOUT=10s", "PROSMS_RECONCILE_DELAYS=1s,3s,5s", "PROSMS_RECONCILE_DELAYS_HIGH=1s,2s,3s",
		"PROSMS_RETRY_DELAYS=5s,30s,5m,30m,1h",
	})
	if err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(d.Data, demoToken))
	if err != nil {
		return fmt.Errorf("reading the sandbox's token: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go heed(p.Stdin, cancel) // reads until this process ends
	reports := json.NewEncoder(p.Stdout)
	return serve(ctx, config, options{
		roles: allRoles, demo: true,
		log:     newLogger(p.Stderr, config),
		sandbox: sandboxOptions{url: d.Sandbox, token: strings.TrimSpace(string(token))},
		ready: func(ctx context.Context, g gateway) error {
			key, err := d.key(ctx, g.commands)
			if err != nil {
				return err
			}
			if err := reports.Encode(demoReport{Ready: &demoReady{HTTP: g.httpURL, Admin: g.adminURL, WayIn: g.wayIn, Key: key}}); err != nil {
				return err
			}
			return tellStatuses(ctx, reports, g.queries)
		},
	})
}

// heed calls stop when the demo says so, and ends the process when the demo is gone.
func heed(demo io.Reader, stop func()) {
	line, _ := bufio.NewReader(demo).ReadString('\n')
	if strings.TrimSpace(line) == demoStop {
		stop()
		return
	}
	os.Exit(1) // as crash-safe as a kill
}

// tellStatuses counts the texts again and again until ctx ends, for a tenth of the
// time at the most.
func tellStatuses(ctx context.Context, reports *json.Encoder, queries projections.Queries) error {
	var told map[string]int64
	for {
		start := time.Now()
		statuses, err := queries.CountByStatus(ctx)
		if err == nil && !maps.Equal(statuses, told) {
			told = statuses
			if err := reports.Encode(demoReport{Statuses: statuses}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(300*time.Millisecond, 10*time.Since(start))):
		}
	}
}

// key returns the demo's API key, which is made at its first start.
func (d demoWorker) key(ctx context.Context, handler *commands.Handler) (string, error) {
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
