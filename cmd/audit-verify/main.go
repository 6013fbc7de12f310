// Command audit-verify checks a bundle of prosms audit export, or an archive of
// prosms archive create, without the log it came from: each event against its digest, each commit against its link, and the
// head that they lead to against a signature. It is for the auditor: it uses
// nothing but the standard library and package events.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pro-sms/prosms/events/audit"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "audit-verify:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("audit-verify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	key := flags.String("key", "", "verifier `key` of the heads: name+hash+key; without it no signature is checked")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: audit-verify [-key VKEY] [bundle.ndjson]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	var verifier *audit.Verifier
	if *key != "" {
		v, err := audit.ParseVerifier(*key)
		if err != nil {
			return fmt.Errorf("-key: %w", err)
		}
		verifier = &v
	}
	bundle := stdin
	if flags.NArg() > 0 {
		file, err := os.Open(flags.Arg(0))
		if err != nil {
			return err
		}
		defer file.Close()
		bundle = file
	}
	lines, err := audit.Unpack(bundle)
	if err != nil {
		return err
	}
	checked, err := audit.Check(lines, verifier)
	if err != nil {
		return fmt.Errorf("the bundle does not verify: %w", err)
	}
	about := "all"
	if checked.Subject != "" {
		about = checked.Subject
	}
	fmt.Fprintf(stdout, "ok: %d events, positions %d to %d, %s\n", checked.Events, checked.First, checked.Last, about)
	if verifier == nil {
		_, err = fmt.Fprintf(stdout, "no signature was checked: compare the link at position %d with one from elsewhere: %s\n", checked.Head.Position, checked.Head.Link)
		return err
	}
	_, err = fmt.Fprintf(stdout, "head at position %d, signed %s\n", checked.Head.Position, checked.Head.SignedAt.Format(time.RFC3339))
	return err
}
