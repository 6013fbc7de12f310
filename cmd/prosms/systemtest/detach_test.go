package systemtest

import (
	"path/filepath"
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
			if printed := must(environ, "archive", "detach", file); !strings.Contains(printed, "detached 0 messages") {
				t.Errorf("younger than 30 days: %s", printed)
			}
			must(environ, "archive", "detach", file, "--older-than", "0s")
			gone := 0
			for _, c := range contents(t, url).Commits {
				for _, e := range c.Events {
					if e.Detached() {
						gone++
					}
				}
			}
			if gone == 0 {
				t.Fatal("nothing was detached")
			}
			if printed, err := ran(t, environ, "verify", "--patience", "9999h"); !strings.Contains(printed, "events are detached") || strings.Contains(printed, "FAIL") {
				t.Errorf("without the archive: %v\n%s", err, printed)
			}
			rebuild := []string{"replay", "--projection", "messages"}
			if printed, err := ran(t, environ, rebuild...); err == nil {
				t.Errorf("a view was made again without the archive\n%s", printed)
			}
			must(with, rebuild...)
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
