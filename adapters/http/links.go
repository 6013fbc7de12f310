package api

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// links finds the commits of events that come in order of their positions, many
// with one question where they stand close together.
type links struct {
	store   ports.EventStore
	at      int // commits asked for at once
	commits []ports.Commit
}

func (a *api) links(at int) *links { return &links{store: a.Queries.Store, at: max(at, 1)} }

// show returns e as clients see it.
func (l *links) show(ctx context.Context, e events.Recorded) (event, error) {
	for len(l.commits) > 0 && l.commits[0].LastPosition < e.Position {
		l.commits = l.commits[1:]
	}
	if len(l.commits) == 0 {
		var err error
		if l.commits, err = l.store.Commits(ctx, e.Position-1, l.at); err != nil {
			return event{}, fmt.Errorf("loading the commit of position %d: %w", e.Position, err)
		}
	}
	if len(l.commits) == 0 || l.commits[0].FirstPosition > e.Position {
		return event{}, fmt.Errorf("loading the commit of position %d: there is none", e.Position)
	}
	return eventOf(e, l.commits[0].Link), nil
}

// eventOf is e as clients see it, with the link of its commit.
func eventOf(e events.Recorded, link events.Hash) event {
	return event{
		Position: e.Position, StreamID: e.StreamID, Version: e.Version, Type: e.Type, Schema: e.Schema,
		Data: e.RawData, Meta: e.RawMeta, RecordedAt: e.RecordedAt.UTC(), Digest: e.Digest, Link: link,
	}
}
