// Command sandbox runs the fake Twilio as a program: point TWILIO_API_BASE_URL at
// it, and open its address in a browser to see the phone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(stdout)
	addr := flags.String("http", "127.0.0.1:9100", "`address` to listen on")
	c := sandbox.Config{}
	flags.StringVar(&c.AccountSID, "account", sandbox.DefaultAccountSID, "account `SID`")
	flags.StringVar(&c.AuthToken, "token", sandbox.DefaultAuthToken, "auth `token`, which also signs callbacks")
	flags.StringVar(&c.LedgerPath, "ledger", "", "`file` that remembers what was accepted (default: none)")
	flags.StringVar(&c.InboundURL, "inbound", "", "`URL` that replies from the phone page go to (default: no replies)")
	flags.DurationVar(&c.CallbackDelay, "delay", 500*time.Millisecond, "pause before each status of a text")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := sandbox.New(c)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listening: %w", err), s.Close())
	}
	fmt.Fprintf(stdout, "sandbox: listening on http://%s, account %s\n", listener.Addr(), c.AccountSID)
	return errors.Join(serve(ctx, listener, s.Handler()), s.Close())
}

// shutdownTime is how long calls in flight may take to end; those that hang on
// purpose are cut afterwards.
const shutdownTime = 2 * time.Second

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
