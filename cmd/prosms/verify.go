package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands/verify"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

type verifyCommand struct {
	JSON     bool          `help:"Print the report as JSON." name:"json"`
	Patience time.Duration `help:"How long a text may wait without a reason before it counts as stuck." default:"1h"`
	Head     string        `help:"File of signed heads that the log has to hold." placeholder:"FILE" and:"head"`
	HeadKey  []string      `help:"The verifier key of their signatures; again for each other key that has signed some." placeholder:"VKEY" sep:"none" and:"head"`
}

// guarantees are what verify checks, in the words of GUARANTEES.md.
var guarantees = []struct{ id, title string }{
	{"G1", "every accepted text reaches exactly one final status, or is on its way"},
	{"G2", "versions 1..n, positions without gaps, the hash chain holds"},
	{"G3", "one acceptance by a provider, unless the log holds the decision to resend"},
	{"G4", "no attempt after an opt-out that was committed before it"},
	{"G5", "attempts 1..k, and no more in a drive than configured"},
	{"G6", "each view equals a fresh replay"},
	{"G7", "one message for an idempotency key"},
}

// Run checks the guarantees, and fails if one does not hold.
func (v verifyCommand) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		var heads []audit.Head
		var faults []audit.Fault
		if v.Head != "" { // read before the log, which goes on growing
			var err error
			if heads, faults, err = readHeads(v.Head, v.HeadKey...); err != nil {
				return err
			}
		}
		report, err := verifyAll(ctx, p.Stderr, t, v.Patience, heads)
		if err != nil {
			return err
		}
		for _, f := range faults {
			report.Add(verify.Finding{Guarantee: "G2", What: "the file of heads: " + f.Error()})
			report.OK = false
		}
		if v.JSON {
			err = printJSON(p.Stdout, report)
		} else {
			err = report.print(p.Stdout)
		}
		if err == nil && !report.OK {
			err = errors.New("not everything that is guaranteed holds")
		}
		return err
	})
}

// verification is the report of all guarantees.
type verification struct {
	OK bool `json:"ok"`
	*verify.Report
	Views []viewReport `json:"views"`
}

// viewReport is what came of comparing one view with its replay.
type viewReport struct {
	Name        string `json:"name"`
	Position    int64  `json:"position"`
	Rows        int64  `json:"rows"`
	Differences int64  `json:"differences"`
	// Skipped says that it takes archives that are not at hand.
	Skipped bool `json:"skipped,omitempty"`
}

// verifyAll checks the log and then, for G6, every view against a replay in a
// scratch file. Whatever runs goes on meanwhile.
func verifyAll(ctx context.Context, stderr io.Writer, t tool, patience time.Duration, heads []audit.Head) (*verification, error) {
	head, err := t.stores.events.Head(ctx)
	if err != nil {
		return nil, err
	}
	told := newProgress(stderr, "log", 0, head.LastPosition)
	report, err := verify.Log(ctx, verify.Options{
		Store: t.stores.events, MaxRetries: t.config.MaxRetries, Patience: patience, Heads: heads,
		Progress: told.at,
	})
	told.end()
	if err != nil {
		return nil, err
	}
	v := &verification{Report: report}
	for _, projection := range newProjections(t.lookup) {
		checked, err := verifyView(ctx, stderr, t.stores, projection, report)
		if err != nil {
			return nil, fmt.Errorf("replaying %s: %w", projection.Name, err)
		}
		v.Views = append(v.Views, checked)
	}
	v.OK = report.OK()
	return v, nil
}

func verifyView(ctx context.Context, stderr io.Writer, st stores, projection projections.Projection, report *verify.Report) (viewReport, error) {
	found := func(position int64, what string) {
		report.Add(verify.Finding{Guarantee: "G6", Position: position, What: "view " + projection.Name + ": " + what})
	}
	projection, standing, err := projections.Stand(ctx, st.views, projection)
	if err != nil {
		return viewReport{}, err
	}
	if standing != projections.Current {
		found(0, "is of another build: it cannot be compared until serve of this build has made it anew")
		return viewReport{Name: projection.Name}, nil
	}
	checkpoint, err := projection.Position(ctx, st.views)
	if err != nil {
		return viewReport{}, err
	}
	head, err := st.events.Head(ctx)
	if err != nil {
		return viewReport{}, err
	}
	if checkpoint > head.LastPosition {
		found(checkpoint, fmt.Sprintf("is ahead of the log, which ends at %d: events are missing there", head.LastPosition))
		return viewReport{Name: projection.Name, Position: checkpoint}, nil
	}
	compared, err := compare(ctx, stderr, st, projection, func(d projections.Difference) {
		found(0, fmt.Sprintf("row %s %s %s", d.ID, d.What, strings.Join(d.Fields, ", ")))
	})
	if errors.As(err, new(ports.Archived)) {
		return viewReport{Name: projection.Name, Skipped: true}, nil
	}
	if unappliable, ok := errors.AsType[projections.Unappliable](err); ok {
		found(unappliable.Position, "the event cannot be applied")
		err = nil
	}
	return viewReport{Name: projection.Name, Position: compared.Position, Rows: compared.Rows, Differences: compared.Differences}, err
}

func (v *verification) print(w io.Writer) error {
	out := new(bytes.Buffer)
	fmt.Fprintf(out, "log up to position %d, %d messages", v.Head, v.Messages)
	for _, status := range slices.Sorted(maps.Keys(v.Statuses)) {
		fmt.Fprintf(out, ", %d %s", v.Statuses[status], status)
	}
	if v.Detached > 0 {
		fmt.Fprintf(out, "\n%d events are detached to archives that are not in PROSMS_ARCHIVES: their links were checked, what they say was not", v.Detached)
	}
	if v.Unknown > 0 {
		fmt.Fprintf(out, "\n%d receipts are of no message that is known here: events of type receipt.unknown", v.Unknown)
	}
	fmt.Fprintf(out, "\n%d texts went out again by a decision that the log holds\n\n", v.Resent)
	for _, g := range guarantees {
		verdict := "ok   "
		if n := v.Counts[g.id]; n > 0 {
			verdict = "FAIL "
		}
		fmt.Fprintf(out, "%s %s  %s\n", verdict, g.id, g.title)
	}
	fmt.Fprintln(out)
	for _, view := range v.Views {
		if view.Skipped {
			fmt.Fprintf(out, "view %s was not compared: it takes archives that are not in PROSMS_ARCHIVES\n", view.Name)
			continue
		}
		fmt.Fprintf(out, "view %s at position %d: %d rows, %d differ\n", view.Name, view.Position, view.Rows, view.Differences)
	}
	for _, f := range v.Findings {
		fmt.Fprintf(out, "%s", f.Guarantee)
		if f.Position > 0 {
			fmt.Fprintf(out, " position %d", f.Position)
		}
		if f.Stream != "" {
			fmt.Fprintf(out, " %s", f.Stream)
		}
		fmt.Fprintf(out, ": %s\n", f.What)
	}
	for guarantee, n := range v.Counts {
		if n > 100 {
			fmt.Fprintf(out, "%s: %d findings in all\n", guarantee, n)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}
