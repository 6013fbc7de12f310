package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Restorer makes a log safe to go on with that was set back to a backup. What was
// under way then may have been sent since, without this log knowing: all of it is
// put in doubt, so that it is looked up at its provider before anything is sent.
//
// It is for a time at which nothing runs on the log. What was accepted after the
// backup is not in the log, and nothing brings it back.
type Restorer struct {
	Store     ports.EventStore
	Providers Providers
	Lookup    Lookup
}

// Run puts in doubt whatever may have been sent by now, and returns how many texts
// that are. Being run again, or going on after a crash, does no harm.
func (r *Restorer) Run(ctx context.Context, now time.Time) (suspected int, err error) {
	ids, err := r.open(ctx)
	if err != nil {
		return 0, err
	}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		marked, err := r.suspect(ctx, ids[:n], now)
		suspected += marked
		if err != nil {
			return suspected, fmt.Errorf("putting texts in doubt: %w", err)
		}
		ids = ids[n:]
	}
	return suspected, nil
}

// open reads the whole log and returns the messages that had not come to an end.
func (r *Restorer) open(ctx context.Context) ([]string, error) {
	states := map[string]domain.Message{}
	for position := int64(0); ; {
		page, err := r.Store.Read(ctx, position, 500)
		if err != nil {
			return nil, fmt.Errorf("reading the log after %d: %w", position, err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			position = e.Position
			if _, accepted := e.Data.(events.MessageAccepted); !accepted && states[e.StreamID].Status == "" {
				continue
			}
			m := states[e.StreamID].Evolve(e.Data)
			m.Text.Body = "" // neither is needed here, and there may be many
			states[e.StreamID] = m
		}
	}
	var ids []string
	for id, m := range states {
		if m.Waiting() || m.Status == domain.Dispatching || m.Status == domain.InDoubt {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// suspect marks what of ids may have been sent. A text whose recipient had opted
// out by then was not: no claim of it can have won.
func (r *Restorer) suspect(ctx context.Context, ids []string, now time.Time) (marked int, err error) {
	streams, err := r.Store.LoadMany(ctx, ids)
	if err != nil {
		return 0, err
	}
	var work []ports.Work
	var writes []ports.Write
	add := func(s stream[domain.Message], provider string, grounds []ports.Require) {
		decided, err := s.State.Decide(domain.Suspect{ID: domain.AttemptID(s.ID, s.State.Attempt+1), Provider: provider, Now: now})
		if err == nil && len(decided) > 0 {
			writes = append(writes, ports.Write{StreamID: s.ID, Expected: s.Version, Events: decided, Meta: s.consequence("operator:cli"), Requires: grounds})
		}
	}
	for _, id := range ids {
		s := fold[domain.Message](id, streams[id])
		last := streams[id][len(streams[id])-1].Data
		if doubt, ok := last.(events.MessageInDoubt); ok && doubt.Cause == domain.CauseRestored {
			continue
		}
		if s.State.Waiting() {
			work = append(work, ports.Work{MessageID: id, Attempt: s.State.Attempt + 1})
			continue
		}
		add(s, "", nil)
	}
	claims := Dispatcher{Store: r.Store, Providers: r.Providers, Lookup: r.Lookup}
	candidates, err := claims.load(ctx, work)
	if err != nil {
		return 0, err
	}
	for _, c := range candidates {
		if !c.optedOut() {
			add(c.stream, c.providers[0].Name(), c.grounds())
		}
	}
	if len(writes) == 0 {
		return 0, nil
	}
	results, err := r.Store.Append(ctx, writes...)
	if err != nil {
		return 0, err
	}
	for i, result := range results {
		if result.Err != nil {
			return marked, fmt.Errorf("%s: is a gateway running on this log? %w", writes[i].StreamID, result.Err)
		}
		marked++
	}
	return marked, nil
}
