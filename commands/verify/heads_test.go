package verify_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/commands/verify"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// rewrite gives every row from a commit on a digest and every commit a link that fit,
// as who owns the tables could.
func (d *doctored) rewrite(from int) {
	for i := from; i < len(d.commits); i++ {
		c := &d.commits[i]
		var previous events.Hash
		if i > 0 {
			previous = d.commits[i-1].Link
		}
		var digests []events.Hash
		for j := range d.log {
			if p := d.log[j].Position; p >= c.FirstPosition && p <= c.LastPosition {
				d.log[j].Digest = d.log[j].ComputeDigest()
				digests = append(digests, d.log[j].Digest)
			}
		}
		c.Link = events.Link(previous, digests...)
	}
}

func TestALogThatWasRewrittenOrCutOffBehindASignedHeadIsLocated(t *testing.T) {
	at := time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)
	change := func(d *doctored, position int64) {
		d.log[position-1].RawMeta = []byte(`{"tenant":"evil"}`)
		d.rewrite(slices.IndexFunc(d.commits, func(c ports.Commit) bool { return c.LastPosition >= position }))
	}
	for _, tt := range []struct {
		name   string
		change func(d *doctored)
		want   int64 // position; 0: no finding
		what   string
	}{
		{"nothing", func(*doctored) {}, 0, ""},
		{"the first event rewritten", func(d *doctored) { change(d, 1) }, 1, "positions 1 to 4"},
		{"an event between the heads rewritten", func(d *doctored) { change(d, 7) }, 5, "positions 5 to 23"},
		{"the last event rewritten", func(d *doctored) { change(d, 23) }, 5, "positions 5 to 23"},
		{"the tail cut off", func(d *doctored) {
			d.log, d.commits = d.log[:20], d.commits[:slices.IndexFunc(d.commits, func(c ports.Commit) bool { return c.LastPosition == 20 })+1]
		}, 21, "went on to position 23"},
		{"the log set back to nothing", func(d *doctored) { d.log, d.commits = nil, []ports.Commit{{}} }, 1, "went on to position 23"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := doctor(t, healthy(t))
			var heads []audit.Head
			for _, c := range d.commits {
				if c.LastPosition == 4 || c.LastPosition == 23 {
					heads = append(heads, audit.Head{Position: c.LastPosition, Link: c.Link, SignedAt: at})
				}
			}
			if len(heads) != 2 {
				t.Fatalf("%d heads", len(heads))
			}
			slices.Reverse(heads)
			tt.change(d)
			without, err := verify.Log(t.Context(), verify.Options{Store: d, MaxRetries: 5})
			if err != nil || without.Counts["G2"] != 0 {
				t.Fatalf("without heads: %+v, %v; want nothing, or this shows nothing", without, err)
			}
			report, err := verify.Log(t.Context(), verify.Options{Store: d, MaxRetries: 5, Heads: heads})
			if err != nil {
				t.Fatal(err)
			}
			var found []verify.Finding
			for _, f := range report.Findings {
				if f.Guarantee == "G2" {
					found = append(found, f)
				}
			}
			switch {
			case tt.want == 0:
				if len(found) != 0 {
					t.Errorf("found %+v", found)
				}
			case len(found) != 1 || found[0].Position != tt.want || !strings.Contains(found[0].What, tt.what):
				t.Errorf("found %+v, want one at %d: %s", found, tt.want, tt.what)
			}
		})
	}
}

// Every single byte that the log keeps of an event, changed, left out or put in.
func TestEachChangedByteIsFoundAtItsPosition(t *testing.T) {
	whole := doctor(t, healthy(t))
	tried := 0
	for i, row := range whole.log {
		for name, field := range map[string]func(*events.Recorded) *[]byte{
			"data": func(e *events.Recorded) *[]byte { return (*[]byte)(&e.RawData) },
			"meta": func(e *events.Recorded) *[]byte { return (*[]byte)(&e.RawMeta) },
			"digest": func(e *events.Recorded) *[]byte {
				b := e.Digest[:]
				return &b
			},
		} {
			stored := *field(&row)
			for at := range stored {
				changed := bytes.Clone(stored)
				changed[at] ^= 0x20
				for _, bad := range [][]byte{changed, slices.Delete(bytes.Clone(stored), at, at+1), slices.Insert(bytes.Clone(stored), at, ' ')} {
					d := &doctored{EventStore: whole.EventStore, log: slices.Clone(whole.log), commits: whole.commits}
					if name == "digest" {
						copy(d.log[i].Digest[:], bad)
						if d.log[i].Digest == row.Digest {
							continue
						}
					} else {
						*field(&d.log[i]) = bad
					}
					tried++
					report, err := verify.Log(t.Context(), verify.Options{Store: d, MaxRetries: 5})
					if err != nil || len(report.Findings) == 0 || report.Findings[0].Position != row.Position {
						t.Fatalf("byte %d of %s at position %d: %+v, %v", at, name, row.Position, report, err)
					}
				}
			}
		}
	}
	if tried < 5000 {
		t.Errorf("%d changes tried", tried)
	}
}
