package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/projections"
)

// deadLettersData is the list, its groups by error, and the latest replays.
type deadLettersData struct {
	Filter  projections.DeadLetterFilter
	Query   string // the filter as a query
	Any     bool
	Reasons []string
	Tenants []string
	Lanes   []domain.Lane
	Groups  []projections.ErrorGroup
	More    bool // groups are of the oldest only
	Letters []projections.DeadLetter
	Next    string
	Replays []projections.Replay
}

// readDeadLetters reads the filter of the list.
func readDeadLetters(q url.Values) (projections.DeadLetterFilter, error) {
	f := projections.DeadLetterFilter{
		Tenant: q.Get("tenant"), Reason: q.Get("reason"), Class: q.Get("class"), Code: q.Get("code"),
		Group: q.Get("group"), Provider: q.Get("provider"), Lane: q.Get("lane"), Limit: pageSize,
	}
	if f.Reason != "" && !slices.Contains(domain.DeadLetterReasons, f.Reason) || f.Lane != "" && !slices.Contains(domain.Lanes, domain.Lane(f.Lane)) {
		return f, errBadQuery
	}
	for _, value := range []string{f.Tenant, f.Class, f.Code, f.Group, f.Provider} {
		if len(value) > 100 {
			return f, errBadQuery
		}
	}
	if after := q.Get("after"); after != "" {
		cursor, ok := readCursor(after)
		if !ok {
			return f, errBadQuery
		}
		f.After = cursor
	}
	return f, nil
}

// deadLetterQuery is the filter as a query.
func deadLetterQuery(f projections.DeadLetterFilter) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"tenant": f.Tenant, "reason": f.Reason, "class": f.Class, "code": f.Code, "group": f.Group, "provider": f.Provider, "lane": f.Lane,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (u *ui) deadLetters(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := readDeadLetters(r.URL.Query())
	if err != nil {
		return err
	}
	queries := u.Oversight.Queries
	d := deadLettersData{Filter: f, Reasons: domain.DeadLetterReasons, Lanes: domain.Lanes}
	q := deadLetterQuery(f)
	d.Query, d.Any = q.Encode(), len(q) > 0
	if d.Tenants, err = u.Oversight.Tenants(r.Context()); err != nil {
		return err
	}
	groups := f
	groups.Limit, groups.After = domain.MaxReplay, nil
	if d.Groups, d.More, err = queries.DeadLetterGroups(r.Context(), groups); err != nil {
		return err
	}
	letters, next, err := queries.DeadLetters(r.Context(), f)
	if err != nil {
		return err
	}
	d.Letters = letters
	if next != nil {
		q.Set("after", writeCursor(next))
		d.Next = "/dead-letters?" + q.Encode()
	}
	if d.Replays, _, err = queries.Replays(r.Context(), f.Tenant, 5, nil); err != nil {
		return err
	}
	return u.show(w, r, v, "deadletters", page{Title: "Dead letters", Nav: "/dead-letters", Data: d})
}

// dryRunData is what sending a selection again would come to.
type dryRunData struct {
	Tenants  []string // to choose from, where the filter has none
	Query    string
	Tenant   string
	Token    string // of the frozen selection; empty: nothing is selected
	Selected int
	Sends    int           // of those selected
	Takes    time.Duration // at the rate that is proposed
	Refused  int           // of those selected: for good, by the provider
	Causes   []projections.ErrorGroup
	Command  string // that does the same
	TooMany  bool
	InDoubt  bool // those that may have been sent are sent again, too
	Would    []share
	Items    []forecast
	Rate     int // texts a second, as proposed
	MaxRate  int
	Limit    int
}

// forecast is a text with what would become of it.
type forecast struct{ ID, Would string }

// How many texts a dry run names, and how many texts a second it proposes.
const (
	dryRunShown  = 100
	proposedRate = 10
)

// dryRun freezes what the filter selects now and shows what sending it again would
// come to. Nothing happens before the form on it is sent.
func (u *ui) dryRun(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := readDeadLetters(r.URL.Query())
	if err != nil {
		return err
	}
	d := dryRunData{Query: deadLetterQuery(f).Encode(), InDoubt: r.URL.Query().Get("in_doubt") != "", Rate: proposedRate, MaxRate: domain.MaxReplayRate, Limit: domain.MaxReplay}
	if d.Tenants, err = u.Oversight.Tenants(r.Context()); err != nil {
		return err
	}
	if f.Tenant == "" && len(d.Tenants) == 1 {
		f.Tenant = d.Tenants[0]
	}
	if d.Tenant = f.Tenant; d.Tenant != "" {
		if err := u.freeze(r.Context(), v, f, &d); err != nil {
			return err
		}
	}
	return u.show(w, r, v, "dryrun", page{Title: "Send again", Nav: "/dead-letters", Data: d})
}

func (u *ui) freeze(ctx context.Context, v visit, f projections.DeadLetterFilter, d *dryRunData) error {
	f.Limit, f.After = domain.MaxReplay, nil
	ids, more, err := u.Oversight.Queries.DeadLetterIDs(ctx, f)
	if err != nil || more || len(ids) == 0 {
		d.TooMany, d.Selected = more, len(ids)
		return err
	}
	found, err := u.Commands.PreviewReplay(ctx, operatorFor(v, f.Tenant), replayOf(ids, d.InDoubt))
	if err != nil {
		return err
	}
	counts := map[string]int64{}
	for _, one := range found {
		counts[string(one.Would)]++
		if len(d.Items) < dryRunShown {
			d.Items = append(d.Items, forecast{one.ID, string(one.Would)})
		}
	}
	for would, n := range counts {
		d.Would = append(d.Would, share{would, n, int(max(1, 100*n/int64(len(ids))))})
	}
	d.Sends = int(counts["send"])
	d.Takes = time.Duration(d.Sends) * time.Second / proposedRate
	if d.Causes, _, err = u.Oversight.Queries.DeadLetterGroups(ctx, f); err != nil {
		return err
	}
	for _, group := range d.Causes {
		if group.Class == string(domain.ClassPermanent) {
			d.Refused += group.Count
		}
	}
	d.Command = replayCommand(f, d.InDoubt)
	slices.SortFunc(d.Would, func(a, b share) int { return int(b.Count - a.Count) })
	d.Selected = len(ids)
	d.Token = u.selections.keep(&selection{by: v.Name, tenant: f.Tenant, filter: f, ids: ids, inDoubt: d.InDoubt})
	return nil
}

// replayCommand is the command line that makes the replay of a filter.
func replayCommand(f projections.DeadLetterFilter, inDoubt bool) string {
	line := "prosms dlq replay --tenant " + quoted(f.Tenant)
	filtered := false
	for _, flag := range []struct{ name, value string }{
		{"given-up", f.Reason}, {"class", f.Class}, {"code", f.Code}, {"group", f.Group}, {"provider", f.Provider}, {"lane", f.Lane},
	} {
		if flag.value != "" {
			line, filtered = line+" --"+flag.name+" "+quoted(flag.value), true
		}
	}
	if !filtered {
		line += " --all"
	}
	if inDoubt {
		line += " --include-in-doubt"
	}
	return line + ` --reason "…"`
}

// quoted is a word for a shell.
func quoted(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:", r)
	}) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
