package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/projections"
)

// overviewData is what the first page shows; a script keeps it up to date.
type overviewData struct {
	Beat     beat
	Chart    []line
	Rates    map[string]string
	Total    int64
	Statuses []share
	Lanes    []string
	Lights   []light
	Shut     []string // providers that are not called
	Pumped   []fuse.Standing
	Checks   []checked
	Doubts   int64
	Dead     int64 // that wait for a decision
	DeadMost bool  // or more
	Held     int64 // of these, that may have been sent
	Down     []string
	Deaf     []deaf
	First    bool // no text was ever sent
	APIURL   string
}

// line is a series as the points of a polyline.
type line struct{ Name, Points string }

// light is a provider with the phase of its breaker, and its last minute.
type light struct {
	Provider
	outcomes
	Phase string
}

// Failing reports whether calls fail that the breaker still lets pass.
func (l light) Failing() bool { return l.Phase == "closed" && 5*l.Bad >= l.Calls() && l.Bad > 0 }

// share is a status with its part of all texts.
type share struct {
	Status  string
	Count   int64
	Percent int
}

// checked is what came of a Check.
type checked struct {
	Name string
	OK   bool
}

// deaf is a tenant that does not hear what becomes of its texts.
type deaf struct {
	Tenant  string
	Failing int // endpoints, and hosts of callback URLs
	Dead    int // posts given up lately
	Most    bool
}

// deadCounted is how many dead letters, or posts of a tenant, are counted one by one.
const deadCounted = 1000

func (u *ui) overview(w http.ResponseWriter, r *http.Request, v visit) error {
	b := u.pulse.beat(r.Context(), newMeter())
	d := overviewData{
		Beat: b, Chart: chart(b.Series), Rates: map[string]string{},
		Checks: u.check(r.Context()), APIURL: u.APIURL, Doubts: b.Statuses["in_doubt"],
	}
	waiting, more, err := u.Oversight.Queries.DeadLetterIDs(r.Context(), projections.DeadLetterFilter{Limit: deadCounted})
	if err != nil {
		return err
	}
	d.Dead, d.DeadMost = int64(len(waiting)), more
	if len(waiting) > 0 {
		held, _, err := u.Oversight.Queries.DeadLetterIDs(r.Context(), projections.DeadLetterFilter{Reason: domain.ReasonInDoubt, Limit: deadCounted})
		if err != nil {
			return err
		}
		d.Held = int64(len(held))
	}
	for _, check := range d.Checks {
		if !check.OK {
			d.Down = append(d.Down, check.Name)
		}
	}
	for _, provider := range u.Providers {
		state, err := u.Commands.Breaker(r.Context(), provider.Name)
		if err != nil {
			return err
		}
		d.Lights = append(d.Lights, light{provider, b.calls[provider.Name], phaseOf(state)})
		if state.Phase == breaker.Open {
			d.Shut = append(d.Shut, provider.Name)
		}
	}
	fuses, err := u.fuses(r.Context())
	if err != nil {
		return err
	}
	if d.Deaf, err = u.deaf(r.Context()); err != nil {
		return err
	}
	d.Pumped = slices.DeleteFunc(fuses, func(s fuse.Standing) bool { return s.Lifted })
	for name, values := range b.Series {
		d.Rates[name] = rate(values)
	}
	for _, n := range b.Statuses {
		d.Total += n
	}
	for _, status := range domain.Statuses {
		n := b.Statuses[string(status)]
		if n > 0 {
			d.Statuses = append(d.Statuses, share{string(status), n, int(max(1, 100*n/d.Total))})
		}
	}
	for _, lane := range domain.Lanes {
		d.Lanes = append(d.Lanes, string(lane))
	}
	d.First = d.Total == 0
	return u.show(w, r, v, "overview", page{Title: "Overview", Nav: "/", Data: d})
}

// deaf returns the tenants whose webhooks fail.
func (u *ui) deaf(ctx context.Context) (found []deaf, err error) {
	if u.Webhooks == nil {
		return nil, nil
	}
	failing, err := u.Webhooks.Failing(ctx, "")
	if err != nil {
		return nil, err
	}
	by := map[string]int{}
	for _, f := range failing {
		by[f.Tenant]++
	}
	tenants, err := u.Oversight.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	for _, tenant := range tenants {
		dead, err := u.Webhooks.Dead(ctx, tenant, deadCounted)
		if err != nil {
			return nil, err
		}
		if by[tenant]+dead > 0 {
			found = append(found, deaf{tenant, by[tenant], dead, dead == deadCounted})
		}
	}
	return found, nil
}

// rate is how many a second there were in the last ten.
func rate(values []int) string {
	sum := 0
	for _, n := range values[max(0, len(values)-10):] {
		sum += n
	}
	return fmt.Sprintf("%.1f", float64(sum)/10)
}

// The chart's coordinates; app.js has the same.
const chartHeight, chartStep = 120, 5

// chart draws series to one scale.
func chart(all map[string][]int) []line {
	most := 1
	for _, values := range all {
		for _, n := range values {
			most = max(most, n)
		}
	}
	var lines []line
	for _, name := range []string{"failed", "accepted", "dispatched", "delivered"} { // the last is on top
		var points strings.Builder
		for i, n := range all[name] {
			fmt.Fprintf(&points, "%d,%.1f ", i*chartStep, chartHeight-float64(n)/float64(most)*(chartHeight-8)-2)
		}
		lines = append(lines, line{name, strings.TrimSpace(points.String())})
	}
	return lines
}

// check runs all checks at once, each for two seconds at the most.
func (u *ui) check(ctx context.Context) []checked {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	results := make([]checked, len(u.Checks))
	var all sync.WaitGroup
	for i, c := range u.Checks {
		all.Go(func() { results[i] = checked{c.Name, c.Func(ctx) == nil} })
	}
	all.Wait()
	return results
}
