package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// breakerWindow is how much of the past is drawn.
const breakerWindow = 60

// providersData is who sends, and whether they are let.
type providersData struct {
	Providers []providerData
	Fuses     []fuse.Standing // paused, reported and lifted, by tenant and prefix
	APIURL    string
}

// providerData is a provider with its breaker and its last minute, by the log.
type providerData struct {
	Provider
	State   breaker.State
	Phase   string // as statuses are written
	Version int    // of the breaker's stream
	Good    int
	Bad     int
	Share   int // percent of failures
	Columns []column
	History []events.Recorded
	Failure failure // that it was left alone for; empty while it is called
}

// failure is a call that did not succeed.
type failure struct {
	Message string // id of its text
	Said    string // by the provider, or of the connection
	At      time.Time
}

// column is one second of the window, as rectangles of a drawing 40 high.
type column struct{ X, Good, Bad, GoodY, BadY int }

// Held reports whether only an operator closes the breaker.
func (p providerData) Held() bool { return p.State.Phase == breaker.Open && p.State.Until.IsZero() }

// Because says why a breaker opened.
func (p providerData) Because() string {
	reason, counted := p.State.Reason, p.State.Counted
	if why, ok := strings.CutPrefix(reason, breaker.ReasonOperator); ok {
		return "an operator opened the breaker: " + why
	}
	known := counted != breaker.Tally{} // a build that did not record the calls may have opened it
	switch {
	case reason == breaker.ReasonRate && known:
		return fmt.Sprintf("%d of %d calls of its window failed", counted.Bad, counted.Good+counted.Bad)
	case reason == breaker.ReasonRate:
		return "too many calls of its window failed"
	case reason == breaker.ReasonConsecutive && known:
		return fmt.Sprintf("%d calls in a row failed", counted.Run)
	case reason == breaker.ReasonConsecutive:
		return "too many calls in a row failed"
	case reason == breaker.ReasonProviderWide:
		return "the provider, or our account with it, does not work at all"
	case reason == breaker.ReasonProbe:
		return "the call that was to show whether it is back failed"
	}
	return words(reason)
}

// phaseOf is a breaker's phase, written as statuses are.
func phaseOf(state breaker.State) string { return strings.ReplaceAll(state.Phase.String(), "-", "_") }

func (u *ui) providers(w http.ResponseWriter, r *http.Request, v visit) error {
	d := providersData{APIURL: u.APIURL}
	seen, err := u.lastMinute(r.Context())
	if err != nil {
		return err
	}
	for _, provider := range u.Providers {
		one, err := u.provider(r.Context(), provider, seen)
		if err != nil {
			return err
		}
		d.Providers = append(d.Providers, one)
	}
	if d.Fuses, err = u.fuses(r.Context()); err != nil {
		return err
	}
	return u.show(w, r, v, "providers", page{Title: "Providers", Nav: "/providers", Data: d})
}

func (u *ui) provider(ctx context.Context, provider Provider, seen []events.Recorded) (providerData, error) {
	state, err := u.Commands.Breaker(ctx, provider.Name)
	if err != nil {
		return providerData{}, err
	}
	d := providerData{Provider: provider, State: state, Phase: phaseOf(state)}
	good, bad := [breakerWindow]int{}, [breakerWindow]int{}
	first := u.Now().Unix() - breakerWindow
	for _, e := range seen {
		name, verdict := verdictOf(e)
		second := int(e.RecordedAt.Unix() - first - 1)
		if name != provider.Name || second < 0 || second >= breakerWindow {
			continue
		}
		switch verdict {
		case breaker.Healthy:
			good[second]++
			d.Good++
		case breaker.Failing, breaker.Down:
			bad[second]++
			d.Bad++
		}
	}
	if d.Good+d.Bad > 0 {
		d.Share = 100 * d.Bad / (d.Good + d.Bad)
	}
	most := 1
	for i := range good {
		most = max(most, good[i]+bad[i])
	}
	for i := range good {
		c := column{X: i * 10, Good: good[i] * 40 / most, Bad: bad[i] * 40 / most}
		c.GoodY, c.BadY = 40-c.Good, 40-c.Good-c.Bad
		d.Columns = append(d.Columns, c)
	}
	recorded, err := u.transitions(ctx, provider.Name)
	if err != nil {
		return d, err
	}
	d.Version = len(recorded)
	d.History = slices.Clone(recorded[max(0, len(recorded)-8):])
	slices.Reverse(d.History)
	if d.Phase != "closed" {
		d.Failure, err = u.failure(ctx, provider.Name, recorded)
	}
	return d, err
}

// lateOutcomes is how many events may stand between an opening in the log and the
// outcome that it was for: both are appended at once.
const lateOutcomes = 256

// failure returns the last failing call before a breaker opened last, as far as the
// log has it near; empty where an operator opened it.
func (u *ui) failure(ctx context.Context, provider string, transitions []events.Recorded) (failure, error) {
	for _, t := range slices.Backward(transitions) {
		opened, ok := t.Data.(events.BreakerOpened)
		switch {
		case !ok:
			continue
		case strings.HasPrefix(opened.Reason, breaker.ReasonOperator):
			return failure{}, nil
		}
		filter := projections.EventFilter{Type: "message", Actor: "provider:" + provider, Limit: lateOutcomes, Sealed: true}
		found, err := u.Oversight.Latest(ctx, filter, t.Position+lateOutcomes)
		if err != nil {
			return failure{}, err
		}
		for _, e := range found.Events {
			if _, verdict := verdictOf(e); verdict == breaker.Failing || verdict == breaker.Down {
				last := projections.Message{Provider: provider}.Apply(e)
				return failure{e.StreamID, because(last, u.meaning), e.RecordedAt}, nil
			}
		}
		break
	}
	return failure{}, nil
}

// transitions returns all that happened to the breaker of a provider.
func (u *ui) transitions(ctx context.Context, provider string) ([]events.Recorded, error) {
	recorded, err := u.Oversight.Queries.Store.Load(ctx, "breaker_"+provider)
	if err != nil {
		return nil, fmt.Errorf("loading a breaker: %w", err)
	}
	return recorded, nil
}

// lastMinute returns the newest events of the log, as far as they are of the window.
func (u *ui) lastMinute(ctx context.Context) ([]events.Recorded, error) {
	head, err := u.Oversight.Queries.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	var all []events.Recorded
	since := u.Now().Add(-breakerWindow * time.Second)
	before := head.LastPosition + 1
	for range 10 {
		found, err := u.Oversight.Latest(ctx, projections.EventFilter{Type: "message", Limit: pulseFrame, Sealed: true}, before)
		if err != nil || len(found.Events) == 0 {
			return all, err
		}
		all = append(all, found.Events...)
		if before = found.Seen; !found.More || found.Events[len(found.Events)-1].RecordedAt.Before(since) {
			break
		}
	}
	return all, nil
}

// verdictOf returns which provider an outcome is of, and what it says of its health.
func verdictOf(e events.Recorded) (provider string, verdict breaker.Verdict) {
	switch d := e.Data.(type) {
	case events.MessageDispatched:
		return d.Provider, breaker.Healthy
	case events.MessageFailed:
		return d.Provider, breaker.Judge(domain.Class(d.Class), d.HTTPStatus, "")
	case events.MessageInDoubt:
		return d.Provider, breaker.Judge(domain.ClassInDoubt, 0, d.Cause)
	}
	return "", breaker.Silent
}

// openBreaker stops calls to a provider.
func (u *ui) openBreaker(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	during := time.Duration(0)
	if text := r.PostForm.Get("for"); text != "" {
		if during, err = time.ParseDuration(text); err != nil || during < 0 || during > 30*24*time.Hour {
			return errBadQuery
		}
	}
	name, err := u.known(r.PathValue("name"))
	if err != nil {
		return err
	}
	if done, err := u.moved(r, caller, name); err != nil || done {
		return u.breakerPage(w, r, "opened", err)
	}
	_, err = u.Commands.OpenBreaker(r.Context(), caller, name, clip(200, caller.Reason), during)
	return u.breakerPage(w, r, "opened", err)
}

// closeBreaker lets calls to a provider pass again.
func (u *ui) closeBreaker(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	name, err := u.known(r.PathValue("name"))
	if err != nil {
		return err
	}
	if done, err := u.moved(r, caller, name); err != nil || done {
		return u.breakerPage(w, r, "closed", err)
	}
	_, err = u.Commands.CloseBreaker(r.Context(), caller, name, clip(200, caller.Reason))
	return u.breakerPage(w, r, "closed", err)
}

// breakerPage shows what was done, unless there is an error.
func (u *ui) breakerPage(w http.ResponseWriter, r *http.Request, what string, err error) error {
	if err == nil {
		http.Redirect(w, r, "/providers?done="+what, http.StatusSeeOther)
	}
	return err
}

// shut returns the providers that a text waits for, if every one of them is left alone,
// or sent probes alone: the one that its doubt is with, else those that may take it next.
func (u *ui) shut(ctx context.Context, id string, recorded []events.Recorded) ([]string, error) {
	var m domain.Message
	for _, e := range recorded {
		m = m.Evolve(e.Data)
	}
	names := []string{m.Provider}
	if m.Status != domain.InDoubt {
		names = u.Next(id, m)
	}
	for _, name := range names {
		state, err := u.Commands.Breaker(ctx, name)
		if err != nil {
			return nil, err
		}
		if phaseOf(state) == "closed" {
			return nil, nil
		}
	}
	return names, nil
}

// known returns a provider's name if it is configured.
func (u *ui) known(name string) (string, error) {
	for _, p := range u.Providers {
		if p.Name == name {
			return name, nil
		}
	}
	return "", projections.ErrNotFound
}
