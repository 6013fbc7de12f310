// Command audit-verify checks a bundle of prosms audit export, or archives of prosms
// archive create, without the log it came from: each event against its digest, each
// commit against its link, and the head that they lead to against a signature; of
// several files also that each goes on where the one before ends. It is for the auditor:
// it uses nothing but the standard library and package events.
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
		fmt.Fprintln(stderr, "usage: audit-verify [-key VKEY] [bundle.ndjson | archive.gz …]")
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
	if flags.NArg() == 0 {
		checked, err := check(stdin, verifier)
		if err != nil {
			return err
		}
		return tell(stdout, checked, verifier != nil)
	}
	var before audit.Checked
	for i, path := range flags.Args() {
		checked, err := checkFile(path, verifier)
		if err == nil && i > 0 {
			err = checked.Follow(before)
		}
		if err == nil {
			err = tell(stdout, checked, verifier != nil)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		before = checked
	}
	return nil
}

func checkFile(path string, verifier *audit.Verifier) (audit.Checked, error) {
	file, err := os.Open(path)
	if err != nil {
		return audit.Checked{}, err
	}
	defer file.Close()
	return check(file, verifier)
}

func check(bundle io.Reader, verifier *audit.Verifier) (audit.Checked, error) {
	lines, err := audit.Unpack(bundle)
	if err != nil {
		return audit.Checked{}, err
	}
	checked, err := audit.Check(lines, verifier)
	if err != nil {
		return audit.Checked{}, fmt.Errorf("the bundle does not verify: %w", err)
	}
	return checked, nil
}

func tell(stdout io.Writer, checked audit.Checked, signed bool) error {
	about := "all"
	if checked.Subject != "" {
		about = checked.Subject
	}
	fmt.Fprintf(stdout, "ok: %d events, positions %d to %d, %s\n", checked.Events, checked.First, checked.Last, about)
	if !signed {
		_, err := fmt.Fprintf(stdout, "no signature was checked: compare the link at position %d with one from elsewhere: %s\n", checked.Head.Position, checked.Head.Link)
		return err
	}
	_, err := fmt.Fprintf(stdout, "head at position %d, signed %s\n", checked.Head.Position, checked.Head.SignedAt.Format(time.RFC3339))
	return err
}
