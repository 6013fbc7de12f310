package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
)

func TestABundleIsCheckedAgainstItsKey(t *testing.T) {
	signer, err := audit.NewSigner("test", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	row, err := events.Prepare("msg_1", 1, events.MessageCanceled{}, events.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	row.Position = 1
	row.Digest = row.ComputeDigest()
	link := events.Link(events.Hash{}, row.Digest)
	var bundle bytes.Buffer
	encoder := json.NewEncoder(&bundle)
	for _, l := range []audit.Line{
		{Bundle: &audit.Bundle{Version: 1, First: 1, Last: 1}},
		{Commit: &audit.Commit{First: 1, Last: 1, Link: link, Digests: []events.Hash{row.Digest}}},
		{Event: &events.Envelope{Position: 1, StreamID: row.StreamID, Version: 1, Type: row.Type, Schema: row.Schema, Data: row.RawData, Meta: row.RawMeta, Digest: row.Digest}},
		{End: &audit.End{Position: 1, Link: link, Note: string(signer.Sign(audit.Head{Position: 1, Link: link}))}},
	} {
		if err := encoder.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	good := bundle.String()
	file := filepath.Join(t.TempDir(), "good")
	if err := os.WriteFile(file, bundle.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, bundle string
		args         []string
		want         string // of the output, or of the error
	}{
		{"signed", good, []string{"-key", signer.Verifier().String()}, "head at position 1, signed"},
		{"without a key", good, nil, "no signature was checked"},
		{"changed", strings.Replace(good, "msg_1", "msg_2", 1), nil, "line 3, position 1: the event is not what its digest was taken of"},
		{"no key", good, []string{"-key", "test"}, "-key"},
		{"no file", "", []string{filepath.Join(t.TempDir(), "none")}, "no such file"},
		{"nothing", "", nil, "no end"},
		{"two that do not follow each other", "", []string{file, file}, file + ": it begins at position 1, and the one before ends at 1"},
	} {
		var out bytes.Buffer
		err := run(tt.args, strings.NewReader(tt.bundle), &out, &out)
		if err != nil {
			out.WriteString(err.Error())
		}
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, out.String(), tt.want)
		}
	}
}
