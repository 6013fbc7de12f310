package audit

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pro-sms/prosms/events"
)

// longestLine bounds a line of a bundle, in bytes: a commit with its digests, or an event.
const longestLine = 64 << 20

// Unpack returns the lines of a bundle, or of an archive: that is a bundle of whole
// commits with all their events, whose head is the last of them, compressed with gzip.
func Unpack(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	if magic, err := buffered.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b { // RFC 1952, 2.3.1
		return buffered, nil // a bundle, or what Check has to say something about
	}
	unpacked, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	return unpacked, nil
}

// Commits passes every commit of a bundle that Check has found good to take, with
// its events.
func Commits(r io.Reader, take func(Commit, []events.Envelope) error) error {
	var commit Commit
	var rows []events.Envelope
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		var l Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("reading bundle: malformed")
		}
		if l.Event != nil {
			rows = append(rows, *l.Event)
			continue
		}
		if len(rows) > 0 {
			if err := take(commit, rows); err != nil {
				return err
			}
			rows = nil
		}
		if l.Commit != nil {
			commit = *l.Commit
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading bundle: %w", err)
	}
	return nil
}

// Follow reports an archive that does not begin where the one before it ends.
func (c Checked) Follow(before Checked) error {
	switch {
	case c.First != before.Last+1:
		return fmt.Errorf("it begins at position %d, and the one before ends at %d", c.First, before.Last)
	case c.Previous != before.Head.Link:
		return fmt.Errorf("it follows the link %s, and the one before ends in %s", c.Previous, before.Head.Link)
	}
	return nil
}

// CheckArchive is Check for an archive: a bundle of all events up to its head.
func CheckArchive(r io.Reader, v *Verifier) (Checked, error) {
	lines, err := Unpack(r)
	if err != nil {
		return Checked{}, err
	}
	checked, err := Check(lines, v)
	if err == nil && (checked.Subject != "" || checked.Head.Position != checked.Last) {
		err = fmt.Errorf("a bundle of single events, not an archive")
	}
	return checked, err
}
