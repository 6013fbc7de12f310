package verify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// chain checks G2 along the log: positions without gaps, digests that are those of
// their rows, links that are those of their commits, times that never decrease.
// (Versions are checked with the streams.) After a fault it goes on with what the
// log says, so that one fault is found once.
type chain struct {
	report *Report
	store  ports.EventStore
	heads  *heads
	// archives are those that payloads may be in.
	archives ports.Archives

	position int64 // of the last event
	at       time.Time
	link     events.Hash // of the last whole commit
	commits  []ports.Commit
	commit   ports.Commit // that of the last event
	open     bool         // its end is not reached yet
	digests  []events.Hash
	broken   bool // rows of it are missing or cannot be read
}

func (c *chain) follow(ctx context.Context, e events.Recorded) error {
	if e.Position != c.position+1 {
		c.found(c.position+1, "missing: the next event is at position %d", e.Position)
	}
	for e.Position > c.commit.LastPosition {
		if err := c.next(ctx, e.Position); err != nil {
			return err
		}
	}
	if int64(len(c.digests)) != e.Position-c.commit.FirstPosition {
		c.broken = true
	}
	switch {
	case e.Detached():
		c.detached(e)
	case e.Digest != e.ComputeDigest():
		c.found(e.Position, "the row is not what its digest was taken of")
	}
	if e.RecordedAt.Before(c.at) {
		c.found(e.Position, "recorded before the event in front of it")
	}
	c.position, c.at = e.Position, e.RecordedAt
	c.digests = append(c.digests, e.Digest)
	if e.Position == c.commit.LastPosition {
		c.close()
	}
	return nil
}

// detached takes a row whose payload is not in the log, as may be of messages alone. Its digest, over which the
// link is, stands unproven until the archive is at hand.
func (c *chain) detached(e events.Recorded) {
	if len(c.archives.Of(e.Position)) == 0 || !strings.HasPrefix(e.Type, "message.") {
		c.found(e.Position, "the row lacks its payload, which no archive is said to hold")
		return
	}
	c.report.Detached++
}

// skip passes over an event that cannot be read.
func (c *chain) skip(position int64) { c.position = position }

// next goes on to the commit of a position.
func (c *chain) next(ctx context.Context, position int64) error {
	if c.open {
		c.broken = true
		c.close()
	}
	if len(c.commits) == 0 {
		const size = 1000
		var err error
		if c.commits, err = c.store.Commits(ctx, c.commit.LastPosition, size); err != nil {
			return err
		}
		if len(c.commits) == 0 {
			c.found(position, "belongs to no commit")
			c.commit = ports.Commit{FirstPosition: position, LastPosition: position}
			return nil
		}
	}
	next := c.commits[0]
	c.commits = c.commits[1:]
	if next.FirstPosition != c.commit.LastPosition+1 {
		c.found(c.commit.LastPosition+1, "belongs to no commit: the next begins at position %d", next.FirstPosition)
	}
	c.commit, c.open = next, true
	return nil
}

// close checks the link of the commit that was followed to its end.
func (c *chain) close() {
	if want := events.Link(c.link, c.digests...); !c.broken && want != c.commit.Link {
		c.found(c.commit.FirstPosition, "the link of the commit of positions %d to %d is not that of its rows",
			c.commit.FirstPosition, c.commit.LastPosition)
	}
	c.heads.follow(c.commit.LastPosition, c.commit.Link)
	c.link, c.digests, c.broken, c.open = c.commit.Link, c.digests[:0], false, false
}

// end checks that the log goes on to where its commits say it does, and no further.
func (c *chain) end(ctx context.Context, head int64) error {
	if c.position < head {
		c.found(c.position+1, "missing: the commits go on to position %d", head)
	}
	c.heads.end(head)
	beyond, unreadable := c.store.Read(ctx, head, 1)
	if outage(ctx, unreadable) {
		return unreadable
	}
	now, err := c.store.Head(ctx) // an event is not seen before its commit
	switch {
	case err != nil:
		return err
	case unreadable != nil && now.LastPosition == head:
		c.found(head+1, "an event that belongs to no commit cannot be read: %v", unreadable)
	case len(beyond) > 0 && now.LastPosition < beyond[0].Position:
		c.found(beyond[0].Position, "belongs to no commit")
	}
	return nil
}

func (c *chain) found(position int64, format string, args ...any) {
	c.report.Add(Finding{Guarantee: "G2", Position: position, What: fmt.Sprintf(format, args...)})
}
