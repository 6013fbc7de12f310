package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

type benchCommand struct {
	Texts       int           `help:"How many texts, at the most." default:"20000"`
	Time        time.Duration `help:"For how long, at the most." default:"30s"`
	Concurrency int           `help:"Requests at once." default:"48"`
	Batch       int           `help:"Texts in a request; more than 1 uses the batch call." default:"1"`
	Lane        string        `help:"high, normal or bulk." default:"normal" enum:"high,normal,bulk"`
	InPlace     bool          `help:"Use the servers that the environment names instead of a file and a bus of the bench's own. Its texts stay in their log for good."`
	Rate        int           `help:"Texts a second, at the most; 0: as many as they become." default:"0"`
	URL         string        `help:"Load the gateway at URL, which runs on the servers that the environment names, from outside. The texts stay in its log for good." name:"url" placeholder:"URL"`
	JSON        bool          `help:"Print the figures as JSON." name:"json"`
}

// benchDrain bounds how long the bench waits for the last texts to be dispatched.
const benchDrain = 2 * time.Minute

// Run measures a whole gateway in this process, or the one at URL: texts over HTTP
// into its log, and on to the sandbox through the adapter for Twilio. Texts are sent
// with a test key of a tenant of their own, so that none can reach a live provider.
func (b benchCommand) Run(ctx context.Context, p process) error {
	if b.Texts < 1 || b.Concurrency < 1 || b.Concurrency > 1000 || b.Batch < 1 || b.Batch > 1000 || b.Time <= 0 || b.Rate < 0 {
		return errors.New("--texts and --time must be positive, --concurrency and --batch from 1 to 1000, --rate not negative")
	}
	if b.URL != "" {
		return b.load(ctx, p)
	}
	config, cleanup, err := b.config(p.Environ)
	if err != nil {
		return err
	}
	defer cleanup()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var result benchResult
	err = serve(ctx, config, options{
		roles: allRoles, log: newLogger(p.Stderr, config),
		ready: func(ctx context.Context, g gateway) (err error) {
			defer stop()
			result, err = b.measure(ctx, g)
			return err
		},
	})
	if err != nil {
		return err
	}
	return result.print(p.Stdout, b.JSON)
}

// load measures a gateway that runs elsewhere.
func (b benchCommand) load(ctx context.Context, p process) error {
	if b.InPlace {
		return errors.New("--url and --in-place: one of them")
	}
	return withTool(ctx, p, func(t tool) error {
		result, err := b.measure(ctx, gateway{commands: t.handler, httpURL: strings.TrimRight(b.URL, "/")})
		if err != nil {
			return err
		}
		return result.print(p.Stdout, b.JSON)
	})
}

// config returns that of the environment, on sockets of its own and without limits
// on requests; unless in place, without its servers, too.
func (b benchCommand) config(environ []string) (Config, func(), error) {
	cleanup := func() {}
	if !b.InPlace {
		folder, err := os.MkdirTemp("", "prosms-bench-")
		if err != nil {
			return Config{}, cleanup, err
		}
		cleanup = func() { _ = os.RemoveAll(folder) } // it is the system's for temporary files
		environ = append(withoutServers(environ), "DATABASE_URL=sqlite://"+filepath.Join(folder, "bench.db"))
	}
	config, err := loadConfig(environ)
	if err != nil {
		return Config{}, cleanup, fmt.Errorf("reading configuration:\n%w", err)
	}
	config.HTTPAddr, config.AdminAddr, config.RatePerKey, config.RatePerIP = "127.0.0.1:0", "127.0.0.1:0", 0, 0
	if config.LogLevel == "info" {
		config.LogLevel = "warn" // a line for each request would be measured as well
	}
	return config, cleanup, nil
}

func withoutServers(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		switch name, _, _ := strings.Cut(entry, "="); name {
		case "DATABASE_URL", "RABBITMQ_URL", "REDIS_URL":
		default:
			kept = append(kept, entry)
		}
	}
	return kept
}

// measure sends the texts, waits until all are dispatched, and reads from the log
// how it went.
func (b benchCommand) measure(ctx context.Context, g gateway) (benchResult, error) {
	tenant := "bench-" + strings.ToLower(rand.Text()[:8])
	key, err := g.commands.IssueKey(ctx, operator(), commands.IssueKey{
		Tenant: tenant, Scopes: []string{string(domain.ScopeWrite)}, Test: true,
		ExpiresAt: time.Now().Add(b.Time + time.Hour).UTC().Format(time.RFC3339),
	})
	if err != nil {
		return benchResult{}, err
	}
	head, err := g.commands.Store.Head(ctx)
	if err != nil {
		return benchResult{}, err
	}
	load := benchLoad{benchCommand: b, url: g.httpURL, key: key.Secret}
	if err := load.run(ctx); err != nil {
		return benchResult{}, err
	}
	history := benchHistory{store: g.commands.Store, tenant: tenant, position: head.LastPosition}
	if err := history.await(ctx, load.accepted, benchDrain); err != nil {
		return benchResult{}, err
	}
	return newBenchResult(b, &load, &history), g.commands.RevokeKey(ctx, operator(), key.ID)
}
