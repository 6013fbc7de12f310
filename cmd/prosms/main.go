// Command prosms is the gateway and the tools to operate it, in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // recipients' zones, where the machine has none

	"github.com/alecthomas/kong"

	"github.com/pro-sms/prosms/ports/crash"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	collectSeldom()
	err := crash.Arm(os.Getenv("PROSMS_TEST_CRASH")) // by the test suite alone: see CONTRIBUTING.md
	if err == nil {
		err = run(ctx, process{Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "prosms: %v\n", err)
		os.Exit(1)
	}
}

// collectSeldom lets garbage grow to four times of what is in use, which is some
// 30 MB: at once that, collecting it took a tenth of the gateway's CPU. GOGC and
// GOMEMLIMIT hold as ever.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// process is what the operating system gives a run of the program; tests bring their own.
type process struct {
	Args    []string
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// commandLine is everything that can be said to prosms.
type commandLine struct {
	Demo     demoCommand      `cmd:"" help:"Run everything without any server, with a sandbox instead of a provider."`
	Worker   demoWorker       `cmd:"" name:"demo-worker" hidden:"" help:"Be the gateway of a demo, which starts it."`
	Serve    serveCommand     `cmd:"" help:"Run the gateway, configured by the environment (see .env.example)."`
	Migrate  migrateCommand   `cmd:"" help:"Bring the database to the schema of this version."`
	Move     moveCommand      `cmd:"" name:"migrate-store" help:"Copy a stopped installation's store to another database, SQLite or PostgreSQL."`
	Archive  archiveCommand   `cmd:"" help:"Write the log to a file, verify such a file, and make a database from one."`
	Keys     keysCommand      `cmd:"" help:"Create, list and revoke API keys."`
	Staff    staffCommand     `cmd:"" name:"operators" help:"List, invite, change and remove those who use the admin pages."`
	Breaker  breakerCommand   `cmd:"" help:"List, open and close the breakers of providers."`
	Fuse     fuseCommand      `cmd:"" help:"List and lift the pauses of prefixes to which texts look pumped."`
	OptOuts  optOutsCommand   `cmd:"" help:"Import, export and lift opt-outs."`
	Forget   forgetCommand    `cmd:"" help:"Make everything personal about the people behind numbers unreadable for ever."`
	Master   masterKeyCommand `cmd:"" name:"master-key" help:"Change the key that wraps the keys of the database."`
	DLQ      dlqCommand       `cmd:"" name:"dlq" help:"List, show, replay and discard dead letters."`
	Hooks    webhooksCommand  `cmd:"" name:"webhooks" help:"List customers' endpoints, list and show deliveries to them, post them again."`
	Config   configCommand    `cmd:"" help:"Show the configuration as it is read."`
	Doctor   doctorCommand    `cmd:"" help:"Check the configuration and everything it points to."`
	Verify   verifyCommand    `cmd:"" help:"Check the guarantees on the log and the views, also while the gateway runs."`
	Replay   replayCommand    `cmd:"" help:"Rebuild a view from the log, compare it, or show it as it was; decide again under another policy."`
	Restored restoredCommand  `cmd:"" help:"Make a database that comes from a backup safe to serve."`
	Audit    auditCommand     `cmd:"" help:"Sign heads of the log, and export events for an auditor."`
	Tail     tailCommand      `cmd:"" help:"Follow the log, without anything personal."`
	Export   exportCommand    `cmd:"" help:"Write part of the log as lines of JSON, for a warehouse."`
	Explain  explainCommand   `cmd:"" help:"Tell what happened to a text and what happens next."`
	Bench    benchCommand     `cmd:"" help:"Measure a whole gateway in this process, with the sandbox as its provider."`
	Version  versionCommand   `cmd:"" help:"Print the version."`
}

// run carries out one command line. It returns when the command is done or ctx
// has ended and everything has been brought to rest.
func run(ctx context.Context, p process) error {
	var line commandLine
	exited := false
	parser, err := kong.New(&line,
		kong.Name("prosms"),
		kong.Description("Pro-SMS carries texts to providers, never loses one, and can prove what happened."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return fmt.Errorf("building command line: %w", err)
	}
	args := p.Args
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version":
		args = []string{"version"}
	}
	parsed, err := parser.Parse(args)
	if exited {
		return nil // --help has been printed
	}
	if err != nil {
		return fmt.Errorf("%w: see %s --help", err, meant(err))
	}
	return parsed.Run(p)
}

// meant is the command that somebody wanted whose command line was refused, as far
// as it could be read.
func meant(err error) string {
	var refused *kong.ParseError
	if errors.As(err, &refused) && refused.Context != nil && refused.Context.Selected() != nil {
		return refused.Context.Selected().FullPath()
	}
	return "prosms"
}
