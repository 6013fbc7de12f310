package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pro-sms/prosms/events"
)

// Line is a line of a bundle, as JSON with one field set: first Bundle; then every
// commit from that of the first event on to a head, each followed by those of its
// events that the bundle is about; last End.
type Line struct {
	Bundle *Bundle          `json:"bundle,omitempty"`
	Commit *Commit          `json:"commit,omitempty"`
	Event  *events.Envelope `json:"event,omitempty"`
	End    *End             `json:"end,omitempty"`
}

// Bundle says what follows: the events from position First to Last, or those of
// the stream Subject, which lie within.
type Bundle struct {
	Version  int         `json:"version"` // 1
	Subject  string      `json:"subject,omitempty"`
	First    int64       `json:"first"`
	Last     int64       `json:"last"`
	Previous events.Hash `json:"previous"` // link of the commit before the first one
}

// Commit is a commit with the digests of all its rows, also of those that the
// bundle is not about: they tell nothing of their events.
type Commit struct {
	First   int64         `json:"first"`
	Last    int64         `json:"last"`
	Link    events.Hash   `json:"link"`
	Digests []events.Hash `json:"digests"`
}

// End is the head that the commits lead to; Note is it signed, if it is.
type End struct {
	Position int64       `json:"position"`
	Link     events.Hash `json:"link"`
	Note     string      `json:"note,omitempty"`
}

// Checked is a bundle that verifies.
type Checked struct {
	Bundle
	Events int
	Head   Head // SignedAt is zero where no signature was asked for
}

// Check reads a bundle and verifies that its events are those of a log with that
// head, whole and in order; with a verifier also that the head bears its signature.
// The first fault is its error, a Fault; of a file that is cut off or damaged, near the
// place. A message's bundle cannot show whether the message has later events.
func Check(r io.Reader, v *Verifier) (Checked, error) {
	c := check{verifier: v}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for lines.Scan() && lines.Err() == nil { // with an error comes what was read of a line
		c.line++
		if err := c.take(lines.Bytes()); err != nil {
			return Checked{}, err
		}
	}
	c.line++
	if err := lines.Err(); err != nil {
		return Checked{}, fmt.Errorf("%w: %w", c.fault(c.next(), "it cannot be read"), err)
	}
	if !c.ended {
		return Checked{}, c.fault(c.next(), "the bundle has no end")
	}
	return c.done, nil
}

// check is how far a bundle was read.
type check struct {
	verifier *Verifier
	line     int
	done     Checked
	commit   Commit
	position int64 // of the last event
	ended    bool
}

func (c *check) fault(position int64, format string, args ...any) error {
	return Fault{c.line, position, fmt.Sprintf(format, args...)}
}

// next is the position that should follow; 0: none.
func (c *check) next() int64 {
	if c.position >= c.done.Last {
		return 0
	}
	return c.position + 1
}

func (c *check) take(raw []byte) error {
	var l Line
	if json.Unmarshal(raw, &l) != nil {
		return c.fault(c.next(), "not a line of a bundle")
	}
	// What reads the same but was written otherwise has been changed, too.
	if written, err := json.Marshal(l); err != nil || !bytes.Equal(written, raw) {
		return c.fault(c.next(), "not as prosms writes it")
	}
	switch {
	case c.ended:
		return c.fault(0, "goes on after its end")
	case (c.line == 1) != (l.Bundle != nil):
		return c.fault(0, "not in its place")
	case l.Bundle != nil && l.Commit == nil && l.Event == nil && l.End == nil:
		return c.begin(*l.Bundle)
	case l.Commit != nil && l.Event == nil && l.End == nil:
		return c.follow(*l.Commit)
	case l.Event != nil && l.End == nil:
		return c.event(*l.Event)
	case l.End != nil:
		return c.end(*l.End)
	}
	return c.fault(0, "not a line of a bundle")
}

func (c *check) begin(b Bundle) error {
	if b.Version != 1 || b.First < 1 || b.Last < b.First {
		return c.fault(0, "not a bundle that this version reads")
	}
	c.done.Bundle = b
	c.commit.Link = b.Previous
	c.position = b.First - 1
	return nil
}

func (c *check) follow(next Commit) error {
	b := c.done.Bundle
	if err := c.complete(); err != nil {
		return err
	}
	switch first := c.commit.Last == 0; {
	case first && (next.First > b.First || next.Last < b.First),
		!first && next.First != c.commit.Last+1:
		return c.fault(next.First, "not the next commit")
	case next.First == 1 && b.Previous != (events.Hash{}):
		return c.fault(1, "nothing comes before the first commit")
	case int64(len(next.Digests)) != next.Last-next.First+1:
		return c.fault(next.First, "%d digests in the commit of positions %d to %d", len(next.Digests), next.First, next.Last)
	case events.Link(c.commit.Link, next.Digests...) != next.Link:
		return c.fault(next.First, "the link of the commit is not that of its rows")
	}
	c.commit = next
	return nil
}

// complete checks that a range lacks nothing of the commit that was read.
func (c *check) complete() error {
	if c.done.Subject == "" && c.position < min(c.commit.Last, c.done.Last) {
		return c.fault(c.position+1, "the event is missing")
	}
	return nil
}

func (c *check) event(e events.Envelope) error {
	b := c.done.Bundle
	row := events.Recorded{
		Position: e.Position, StreamID: e.StreamID, Version: e.Version, Type: e.Type, Schema: e.Schema,
		RawData: e.Data, RawMeta: e.Meta, RecordedAt: e.RecordedAt, Digest: e.Digest,
	}
	switch {
	case e.Position < c.commit.First || e.Position > c.commit.Last || e.Position <= c.position || e.Position > b.Last:
		return c.fault(e.Position, "the event is not in its place")
	case e.Digest != row.ComputeDigest() || e.Digest != c.commit.Digests[e.Position-c.commit.First]:
		return c.fault(e.Position, "the event is not what its digest was taken of")
	case b.Subject == "" && e.Position != c.position+1:
		return c.fault(c.position+1, "the event is missing")
	case b.Subject != "" && (e.StreamID != b.Subject || e.Version != c.done.Events+1):
		return c.fault(e.Position, "not the next event of the stream")
	}
	if b.Subject != "" && c.done.Events == 0 && e.Position != b.First {
		return c.fault(b.First, "the event is missing")
	}
	c.position = e.Position
	c.done.Events++
	return nil
}

func (c *check) end(e End) error {
	if err := c.complete(); err != nil {
		return err
	}
	if c.position != c.done.Last {
		return c.fault(c.position+1, "events are missing, up to position %d", c.done.Last)
	}
	if e.Position != c.commit.Last || e.Link != c.commit.Link {
		return c.fault(e.Position, "the head is not where the commits lead")
	}
	c.done.Head = Head{Position: e.Position, Link: e.Link}
	if c.verifier != nil {
		h, err := c.verifier.Open([]byte(e.Note))
		switch {
		case errors.Is(err, ErrSignature):
			return c.fault(e.Position, "the head bears no signature of this key")
		case err != nil || h.Position != e.Position || h.Link != e.Link:
			return c.fault(e.Position, "another head was signed")
		}
		c.done.Head = h
	}
	c.ended = true
	return nil
}
