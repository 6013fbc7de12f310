package audit_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
)

func signer(t *testing.T, seed byte) audit.Signer {
	t.Helper()
	s, err := audit.NewSigner("sms.example.com/prosms", bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var head = audit.Head{Position: 23, Link: events.Hash{1, 2, 3}, SignedAt: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}

// Whoever has the reference implementation reads our heads with our keys, and we its.
func TestHeadsAndKeysAreThoseOfSignedNotes(t *testing.T) {
	ours := signer(t, 7)
	theirs, err := note.NewSigner(ours.Secret())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(ours.Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(ours.Sign(head), note.VerifierList(verifier))
	want := "sms.example.com/prosms\n23\n" + base64.StdEncoding.EncodeToString(head.Link[:]) + "\n2026-11-25T04:00:00Z\n"
	if err != nil || opened.Text != want {
		t.Fatalf("opened %+v, %v; want %q", opened, err, want)
	}
	signed, err := note.Sign(&note.Note{Text: want}, theirs)
	if err != nil || !bytes.Equal(signed, ours.Sign(head)) {
		t.Errorf("theirs: %q, %v", signed, err)
	}
	skey, vkey, err := note.GenerateKey(nil, "other")
	if err != nil {
		t.Fatal(err)
	}
	generated, err := audit.ParseSigner(skey)
	if err != nil || generated.Secret() != skey || generated.Verifier().String() != vkey {
		t.Errorf("a key of theirs: %v", err)
	}
	if parsed, err := audit.ParseVerifier(vkey); err != nil || parsed.String() != vkey {
		t.Errorf("a verifier key of theirs: %v", err)
	}
}

func TestAChangedHeadDoesNotOpen(t *testing.T) {
	s := signer(t, 7)
	good := s.Sign(head)
	if opened, err := s.Verifier().Open(good); err != nil || opened != head {
		t.Fatalf("opened %+v, %v", opened, err)
	}
	if _, err := signer(t, 8).Verifier().Open(good); !errors.Is(err, audit.ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
	for i := range good {
		for name, bad := range changes(good, i) {
			if _, err := s.Verifier().Open(bad); err == nil {
				t.Errorf("opened after %s at %d: %q", name, i, bad)
			}
		}
	}
}

// changes are single bytes changed, left out and put in at i.
func changes(b []byte, i int) map[string][]byte {
	changed := bytes.Clone(b)
	changed[i] ^= 1
	return map[string][]byte{
		"a change":     changed,
		"a deletion":   append(bytes.Clone(b[:i]), b[i+1:]...),
		"an insertion": append(append(bytes.Clone(b[:i]), '\n'), b[i:]...),
	}
}

func TestKeysThatAreNoneAreRefusedAndNotQuoted(t *testing.T) {
	good := signer(t, 7)
	for _, bad := range []string{"", "PRIVATE+KEY+", good.Verifier().String(), strings.Replace(good.Secret(), "prosms", "prosmz", 1), good.Secret() + "A", good.Secret()[:40]} {
		if _, err := audit.ParseSigner(bad); err == nil || len(bad) > 20 && strings.Contains(err.Error(), bad) {
			t.Errorf("signer: %v", err)
		}
	}
	for _, bad := range []string{"", good.Secret(), strings.Replace(good.Verifier().String(), "prosms", "prosmz", 1), "a+00000000+AA=="} {
		if _, err := audit.ParseVerifier(bad); err == nil {
			t.Errorf("verifier key %q was taken", bad)
		}
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", good, good, good, good); strings.Trim(printed, "* ") != "" {
		t.Errorf("a signer prints as %s", printed)
	}
}

func TestAFileOfHeadsIsReadAndWhatIsNoneIsNamedByItsLine(t *testing.T) {
	s, other := signer(t, 7), signer(t, 8)
	later := head
	later.Position = 30
	file := string(s.Sign(head)) + "\n" + string(other.Sign(head)) + "\n" + string(s.Sign(later)) + "\n"
	heads, faults, err := audit.Heads(strings.NewReader(file+"sms.example.com/pro"), s.Verifier())
	if err != nil || len(heads) != 2 || heads[0] != head || heads[1] != later {
		t.Errorf("heads %+v, %v", heads, err)
	}
	if len(faults) != 1 || faults[0].Line != 8 {
		t.Errorf("faults %v, want one at line 8", faults)
	}
	heads, faults, err = audit.Heads(strings.NewReader("sms.example.com/pro\n\n\n"+file), s.Verifier())
	if err != nil || len(heads) != 2 || len(faults) != 2 || faults[0].Line != 1 {
		t.Errorf("after a torn head: %d heads, %v, %v", len(heads), faults, err)
	}
	heads, faults, err = audit.Heads(strings.NewReader(file), other.Verifier(), s.Verifier())
	if err != nil || len(heads) != 3 || heads[2] != later || len(faults) != 0 {
		t.Errorf("by both keys: heads %+v, %v, %v", heads, faults, err)
	}
}
