package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// embedded are the adapters that need no server: their package's tests are the
// backend's.
var embedded = []string{"memory", "inproc", "sqlite"}

// report prints what people want of go test -json while it comes in, then the
// counts and the table of backends. It returns an error when a test failed, when
// there was none, or, if all servers are required, when one was not used by
// every test that asked for it, or asked for by none.
func report(in io.Reader, out io.Writer, require bool) error {
	t := newTally(func(line string) { _, _ = io.WriteString(out, line) })
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				t.printed(line) // not from a test: the go command itself
			} else {
				t.add(e)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading go test -json: %w", err)
		}
	}
	if err := t.summarise(out); err != nil {
		return err
	}
	return t.verdict(require)
}

func (t *tally) summarise(out io.Writer) error {
	skipped := 0
	for _, why := range slices.Sorted(maps.Keys(t.skips)) {
		skipped += t.skips[why]
		fmt.Fprintf(out, "\nskipped %d: %s", t.skips[why], why)
	}
	fmt.Fprintf(out, "\n%d passed, %d failed\n", t.passed, t.failed)
	if skipped > 0 {
		fmt.Fprintf(out, "%d skipped\n", skipped)
	}

	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "\nbackend\twhat ran\ttests\n")
	for _, name := range embedded {
		if n := t.packagesCalled("adapters/" + name); n > 0 {
			fmt.Fprintf(table, "%s\tembedded\t%d\n", name, n)
		}
	}
	for _, s := range servers.All() {
		for _, b := range t.became(s.Name) {
			fmt.Fprintf(table, "%s\t%s\t%d\n", b.name, b.became, len(t.backends[b]))
		}
		if len(t.became(s.Name)) == 0 {
			fmt.Fprintf(table, "%s\tno test asked for it\t0\n", s.Name)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	t.printSlowest(out)
	if len(t.faults) > 0 {
		fmt.Fprintf(out, "\nfailed:\n%s\n", strings.Join(t.faults, "\n"))
	}
	return nil
}

// slowest is how many tests the report names that took long, and slow from where on
// they are worth it.
const slowest, slow = 30, 10.0

func (t *tally) printSlowest(out io.Writer) {
	slices.SortStableFunc(t.took, func(a, b duration) int { return cmp.Compare(b.seconds, a.seconds) })
	for n, d := range t.took {
		if n == slowest || d.seconds < slow {
			break
		}
		if n == 0 {
			fmt.Fprintln(out, "\nthe slowest tests, in seconds")
		}
		fmt.Fprintf(out, "%7.1f  %s %s\n", d.seconds, d.pkg, d.test)
	}
}

func (t *tally) packagesCalled(suffix string) int {
	n := 0
	for pkg, passed := range t.packages {
		if strings.HasSuffix(pkg, "/"+suffix) {
			n += passed
		}
	}
	return n
}

func (t *tally) verdict(require bool) error {
	var faults []error
	switch {
	case t.failed > 0:
		faults = append(faults, fmt.Errorf("%d failed", t.failed))
	case t.passed == 0:
		faults = append(faults, errors.New("no test passed"))
	}
	for _, s := range servers.All() {
		if !require {
			break
		}
		if len(t.became(s.Name)) == 0 {
			faults = append(faults, fmt.Errorf("%s is required and no test asked for it", s.Name))
		}
		for _, b := range t.became(s.Name) {
			if strings.HasPrefix(b.became, servers.Skipped) {
				faults = append(faults, fmt.Errorf("%s is required and was %s", b.name, b.became))
			}
		}
	}
	return errors.Join(faults...)
}
