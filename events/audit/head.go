// Package audit holds what leaves the log for somebody who does not trust who
// keeps it: heads that are signed, and bundles of events that verify by themselves.
package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Head says how far the log went at a time, and the link of its last commit, which
// depends on every byte before it. Signed and kept elsewhere it shows a log that was
// rewritten or cut off behind it.
type Head struct {
	Position int64
	Link     events.Hash
	SignedAt time.Time // UTC, seconds
}

// Sign returns h as a signed checkpoint (https://c2sp.org/tlog-checkpoint): origin,
// position, link in base64, and the time as an extension line.
func (s Signer) Sign(h Head) []byte {
	return s.sign(fmt.Appendf(nil, "%s\n%d\n%s\n%s\n", s.name, h.Position, strict.EncodeToString(h.Link[:]), h.SignedAt.UTC().Format(time.RFC3339)))
}

// Open returns the head that a note holds. The error wraps ErrSignature unless v's
// signer has signed it.
func (v Verifier) Open(note []byte) (Head, error) {
	text, err := v.open(note)
	if err != nil {
		return Head{}, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 5 || lines[0] != v.name {
		return Head{}, errors.New("reading head: malformed")
	}
	position, err1 := strconv.ParseInt(lines[1], 10, 64)
	link, err2 := strict.DecodeString(lines[2])
	hash, err3 := events.HashOf(link)
	at, err4 := time.Parse(time.RFC3339, lines[3])
	if err := errors.Join(err1, err2, err3, err4); err != nil || position < 0 {
		return Head{}, errors.New("reading head: malformed")
	}
	return Head{position, hash, at}, nil
}

// Fault is a place in a file at which it is not what it has to be.
type Fault struct {
	Line     int
	Position int64 // in the log; 0: none can be told
	What     string
}

// Error returns "line 7, position 12: what".
func (f Fault) Error() string {
	if f.Position == 0 {
		return fmt.Sprintf("line %d: %s", f.Line, f.What)
	}
	return fmt.Sprintf("line %d, position %d: %s", f.Line, f.Position, f.What)
}

// Heads reads a file of notes, each followed by an empty line, and returns the
// heads of those that one of signers has signed. What bears another signature, or none,
// is in faults. Of the end of the file a note may be unfinished, as a crash leaves it.
func Heads(file io.Reader, signers ...Verifier) (heads []Head, faults []Fault, err error) {
	var note bytes.Buffer
	var begin, n, blank int
	check := func(whole bool) {
		signed := false
		for _, v := range signers {
			if h, err := v.Open(note.Bytes()); err == nil {
				heads, signed = append(heads, h), true
				break
			}
		}
		if !signed && whole {
			faults = append(faults, Fault{Line: begin, What: "not a head with a signature of this key"})
		}
		note.Reset()
		blank = 0
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		n++
		line := lines.Text()
		if note.Len() == 0 && line == "" {
			continue
		}
		if note.Len() == 0 {
			begin = n
		}
		if line == "" {
			if blank++; blank == 2 { // the first divides text and signatures
				check(true)
				continue
			}
		}
		note.WriteString(line + "\n")
		if note.Len() > 1<<16 {
			check(true)
		}
	}
	if note.Len() > 0 {
		check(false)
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("reading heads: %w", err)
	}
	return heads, faults, nil
}
