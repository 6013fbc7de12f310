package systemtest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

func TestADetachedArchiveIsReadInItsPlaceAndAttachedToTheByte(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"SQLite": sqliteURL(t), "PostgreSQL": servers.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			randomLog(t, url, 24, 12)
			folder := t.TempDir()
			file := filepath.Join(folder, "a.gz")
			environ := []string{"DATABASE_URL=" + url, "PROSMS_LOG_LEVEL=error"}
			with := append(environ[:2:2], "PROSMS_ARCHIVES="+folder)
			must := func(environ []string, args ...string) string {
				printed, err := ran(t, environ, args...)
				if err != nil {
					t.Fatalf("%v: %v\n%s", args, err, printed)
				}
				return printed
			}
			must(environ, "keys", "list")
			must(environ, "replay", "--projection", "messages")
			must(environ, "archive", "create", "--through", "100000", "--to", file)
			before := contents(t, url)
			end := fmt.Sprint(before.Commits[len(before.Commits)-1].LastPosition)
			rows := func(environ []string) (all string) {
				for _, view := range []string{"messages", "keys", "opt_outs", "inbound", "contacts", "dead_letters", "replays"} {
					printed, said, err := prosms(t, environ, "replay", "--projection", view, "--as-of", end)
					if err != nil {
						t.Fatalf("%s: %v\n%s", view, err, said)
					}
					all += view + "\n" + printed
				}
				return all
			}
			whole := rows(environ)
			if printed := must(environ, "archive", "detach", file); !strings.Contains(printed, "detached 0 messages") {
				t.Errorf("younger than 30 days: %s", printed)
			}
			must(environ, "archive", "detach", file, "--older-than", "0s")
			gone := detached(t, url)
			if len(gone) == 0 {
				t.Fatal("nothing was detached")
			}
			if printed, err := ran(t, environ, "verify", "--patience", "9999h"); !strings.Contains(printed, "events are detached") || strings.Contains(printed, "FAIL") {
				t.Errorf("without the archive: %v\n%s", err, printed)
			}
			for want, environ := range map[string][]string{"warn  archive a.gz": environ, "ok    archive a.gz": with} {
				if printed, _ := ran(t, environ, "doctor"); !strings.Contains(printed, want) {
					t.Errorf("the doctor does not say %q:\n%s", want, printed)
				}
			}
			rebuild := []string{"replay", "--projection", "messages"}
			if printed, err := ran(t, environ, rebuild...); err == nil {
				t.Errorf("a view was made again without the archive\n%s", printed)
			}
			must(with, rebuild...)
			if diff := cmp.Diff(whole, rows(with)); diff != "" || strings.Count(whole, "msg_") < len(gone)/2 {
				t.Errorf("rows of the views (-whole log +detached log)\n%s", diff)
			}
			if printed := must(environ, "archive", "verify", file, "--log"); !strings.Contains(printed, "of this log") {
				t.Errorf("compared with the log: %s", printed)
			}
			expectDamageIsNamed(t, with, file, gone[len(gone)/2])
			if printed := must(with, "verify", "--patience", "9999h"); strings.Contains(printed, "detached") || strings.Contains(printed, "FAIL") {
				t.Errorf("with the archive:\n%s", printed)
			}
			must(environ, "archive", "attach", file)
			after := contents(t, url)
			last := after.Commits[len(after.Commits)-1].Events[0]
			if diff := cmp.Diff(before.Commits, after.Commits[:len(before.Commits)]); diff != "" || last.Type != (events.LogAttached{}).EventType() || last.RecordedAt.After(time.Now()) {
				t.Errorf("attached (-before +after), last %s\n%s", last.Type, diff)
			}
		})
	}
}

// detached returns the positions that a log lacks the payloads of.
func detached(t *testing.T, url string) (gone []int64) {
	t.Helper()
	for _, c := range contents(t, url).Commits {
		for _, e := range c.Events {
			if e.Detached() {
				gone = append(gone, e.Position)
			}
		}
	}
	return gone
}

// expectDamageIsNamed changes an archive at a position, cuts it off there, and puts it
// right again.
func expectDamageIsNamed(t *testing.T, environ []string, file string, position int64) {
	t.Helper()
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(plain, fmt.Appendf(nil, `{"event":{"position":%d,`, position))
	data := bytes.Index(plain[at:], []byte(`"data":{`)) + at + len(`"data":{`)
	for name, bad := range map[string][]byte{"changed": slices.Concat(plain[:data], []byte(`"x":1,`), plain[data:]), "cut off": plain[:at+9]} {
		var packed bytes.Buffer
		out := gzip.NewWriter(&packed)
		if _, err := out.Write(bad); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.Close(), os.WriteFile(file, packed.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		where := fmt.Sprintf("position %d", position)
		for _, args := range [][]string{
			{"archive", "verify", file}, {"archive", "attach", file}, {"verify", "--patience", "9999h"}, {"replay", "--projection", "messages"},
		} {
			printed, err := ran(t, environ, args...)
			if said := printed + fmt.Sprint(err); err == nil || !strings.Contains(said, where+":") {
				t.Errorf("%s, %v: %v\n%s", name, args, err, printed)
			}
		}
		if printed, err := ran(t, environ, "replay", "--projection", "messages", "--as-of", fmt.Sprint(position-1)); err != nil {
			t.Errorf("%s, before the damage: %v\n%s", name, err, printed)
		}
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if printed, err := ran(t, environ, "replay", "--projection", "messages", "--diff"); err != nil {
		t.Errorf("the live view afterwards: %v\n%s", err, printed)
	}
}
