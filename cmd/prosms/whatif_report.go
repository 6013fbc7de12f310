package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pro-sms/prosms/commands/whatif"
	"github.com/pro-sms/prosms/domain"
)

// printWhatIf writes the report for a reader. Refused, it tells why and no more.
func printWhatIf(out io.Writer, r *whatif.Report, changed []string, refused bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "positions %d to %d, texts: %d; decisions reproduced exactly: %d; texts and transitions of breakers that are not: %d\n",
		r.From+1, r.To, r.Texts, r.Decisions, r.Unreproduced)
	for _, why := range byCount(r.UnreproducedWhy) {
		fmt.Fprintf(w, "  %d\t%s\n", r.UnreproducedWhy[why], why)
	}
	for _, u := range r.UnreproducedExamples {
		fmt.Fprintf(w, "  %s\t%s at position %d\t%s\n", u.ID, u.Type, u.Position, u.Why)
	}
	if refused {
		return w.Flush()
	}
	fmt.Fprintf(w, "\nwith %s, texts that go otherwise: %d\n", strings.Join(changed, ", "), r.Changed)
	fmt.Fprint(w, "\tas it was\tas it would be\n")
	for _, status := range append(statusNames(), whatif.StatusUnknown) {
		was, would := r.Statuses.Was[status], r.Statuses.Would[status]
		if was+would > 0 {
			fmt.Fprintf(w, "  %s\t%d\t%d\n", status, was, would)
		}
	}
	fmt.Fprintf(w, "  attempts\t%d\t%d\n", r.Attempts.Was, r.Attempts.Would)
	fmt.Fprintf(w, "dead letters: %d more, %d fewer\n", r.DeadLettersGained, r.DeadLettersLost)
	fmt.Fprintf(w, "sent by another provider: %d; at another time: %d earlier, %d later, by %s at the most\n",
		r.OtherProvider, r.Earlier, r.Later, r.Farthest.Round(time.Second))
	if r.Earlier+r.Later > 0 {
		fmt.Fprint(w, "  (attempts are taken to be answered as they were, whenever they are made)\n")
	}
	printUnknown(w, r)
	printCauses(w, r)
	printBreakers(w, r)
	return w.Flush()
}

// statusNames are the statuses of a message, in the order of its life.
func statusNames() []string {
	names := make([]string, len(domain.Statuses))
	for i, status := range domain.Statuses {
		names[i] = string(status)
	}
	return names
}

func printUnknown(w io.Writer, r *whatif.Report) {
	if len(r.Unknown) == 0 {
		return
	}
	fmt.Fprint(w, "\nunknown beyond here, since nobody can know\n")
	for _, why := range byCount(r.Unknown) {
		fmt.Fprintf(w, "  %d\t%s\n", r.Unknown[why], why)
	}
}

func printCauses(w io.Writer, r *whatif.Report) {
	causes := map[string]int{}
	for name, cause := range r.Causes {
		causes[name] = cause.Texts
	}
	for _, name := range byCount(causes) {
		cause := r.Causes[name]
		fmt.Fprintf(w, "\n%s, where it is the first difference of a text: %d\n", name, cause.Texts)
		for _, e := range cause.Examples {
			fmt.Fprintf(w, "  %s\tposition %d: %s\tinstead: %s\t%s, instead: %s\n",
				e.ID, e.Change.Position, e.Change.Was, e.Change.Would, e.Ends.Was, e.Ends.Would)
		}
	}
}

func printBreakers(w io.Writer, r *whatif.Report) {
	if len(r.Breakers) == 0 {
		return
	}
	fmt.Fprint(w, "\nbreaker of\toutcomes\topened (log)\topens as it was\topens as it would be\tcalls held as it was\tas it would be\n")
	for _, b := range r.Breakers {
		fmt.Fprintf(w, "  %s\t%d\t%d\t%d\t%d\t%d\t%d\n", b.Provider, b.Outcomes, b.Recorded,
			b.Openings.Was.Count, b.Openings.Would.Count, b.Openings.Was.Held, b.Openings.Would.Held)
		for _, o := range b.Openings.Would.First {
			fmt.Fprintf(w, "    would open at %s\t%s\n", o.At.UTC().Format(time.RFC3339), o.Reason)
		}
	}
}

// byCount returns the keys of counts, the most frequent first.
func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}
