package arch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pro-sms/prosms/ports/porttest/arch"
)

func TestTheTreeKeepsItsRules(t *testing.T) {
	faults, err := arch.Check(os.DirFS(root(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

// root returns the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}

func TestAFileThatBreaksARuleIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name, file, body string
		want             string // "" for none
	}{
		{"events import the standard library", "events/a.go", goFile("events", "encoding/json"), ""},
		{"events import no module", "events/a.go", goFile("events", "github.com/google/uuid"), "events/a.go:4: events may not import github.com/google/uuid"},
		{"events do not import domain", "events/a.go", goFile("events", arch.Module+"/domain"), "may not import"},
		{"domain imports events", "domain/a.go", goFile("domain", arch.Module+"/events"), ""},
		{"domain does not import ports", "domain/a.go", goFile("domain", arch.Module+"/ports"), "may not import"},
		{"phone imports phonenumbers", "domain/phone/a.go", goFile("phone", "github.com/nyaruka/phonenumbers"), ""},
		{"domain does not import phonenumbers", "domain/a.go", goFile("domain", "github.com/nyaruka/phonenumbers"), "may not import"},
		{"segments import subpackages of x/text", "domain/segments/a.go", goFile("segments", "golang.org/x/text/unicode/norm"), ""},
		{"ports import watermill's message", "ports/a.go", goFile("ports", "github.com/ThreeDotsLabs/watermill/message"), ""},
		{"ports import nothing else of it", "ports/a.go", goFile("ports", "github.com/ThreeDotsLabs/watermill/message-broker"), "may not import"},
		{"ports do not import their suites", "ports/a.go", goFile("ports", arch.Module+"/ports/porttest"), "may not import"},
		{"commands import ports", "commands/a.go", goFile("commands", arch.Module+"/ports"), ""},
		{"commands do not import adapters", "commands/a.go", goFile("commands", arch.Module+"/adapters/postgres"), "may not import"},
		{"commands import watermill's root but not its components", "commands/a.go", goFile("commands", "github.com/ThreeDotsLabs/watermill", "github.com/ThreeDotsLabs/watermill/components/cqrs"), "a.go:5: "},
		{"projections do not import domain", "projections/a.go", goFile("projections", arch.Module+"/domain"), "may not import"},
		{"adapters import their technology", "adapters/redis/a.go", goFile("redis", "github.com/redis/go-redis/v9"), ""},
		{"adapters import their own packages", "adapters/redis/lua/a.go", goFile("lua", arch.Module+"/adapters/redis"), ""},
		{"adapters do not import each other", "adapters/redis/a.go", goFile("redis", arch.Module+"/adapters/redisx"), "may not import"},
		{"adapters do not import cmd", "adapters/redis/a.go", goFile("redis", arch.Module+"/cmd/prosms"), "may not import"},
		{"cmd imports adapters", "cmd/prosms/a.go", goFile("main", arch.Module+"/adapters/redis"), ""},
		{"prosms does not link the suites", "cmd/prosms/a.go", goFile("main", arch.Module+"/ports/porttest/servers"), "may not import"},
		{"a tool for tests does", "cmd/testrun/a.go", goFile("main", arch.Module+"/ports/porttest/servers"), ""},
		{"tests import what they need", "domain/a_test.go", goFile("domain", arch.Module+"/adapters/memory"), ""},
		{"nobody uses cgo", "adapters/redis/a.go", goFile("redis", "C"), "may not import C"},
		{"a folder without a layer", "util/a.go", goFile("util"), "no layer"},

		{"domain does not import os", "domain/a.go", goFile("domain", "os/exec"), "is pure"},
		{"events redact themselves for slog", "events/a.go", goFile("events", "log/slog"), ""},
		{"events do not log", "events/a.go", goFile("events", "log"), "is pure"},
		{"events do not import math/rand", "events/a.go", goFile("events", "math/rand/v2"), "is pure"},
		{"domain takes durations", "domain/a.go", goFile("domain", "time") + "var d = time.Second\n", ""},
		{"domain does not look at the clock", "domain/a.go", goFile("domain", "time") + "var d = time.Now()\n", "a.go:6: time.Now in domain"},
		{"not by reference either", "domain/a.go", goFile("domain", "time") + "var now = time.Now\n", "time.Now in domain"},
		{"not under another name either", "domain/a.go", "// Package domain is.\npackage domain\n\nimport clock \"time\"\n\nvar d = clock.Since\n", "time.Since in domain"},
		{"adapters may", "adapters/redis/a.go", goFile("redis", "time") + "var d = time.Now()\n", ""},

		{"nobody calls out without bounds", "adapters/redis/a.go", goFile("redis", "net/http") + "var c = http.DefaultClient\n", "a.go:6: http.DefaultClient is unbounded"},
		{"nor by a function that does", "cmd/prosms/a.go", "// Package main is.\npackage main\n\nimport web \"net/http\"\n\nvar f = web.Get\n", "http.Get is unbounded"},
		{"tests may", "cmd/prosms/a_test.go", goFile("main", "net/http") + "var c = http.DefaultClient\n", ""},

		{"400 lines are enough", "commands/a.go", goFile("commands") + strings.Repeat("\n", 400), "lines: look for a second idea"},
		{"but not for a test", "commands/a_test.go", goFile("commands") + strings.Repeat("\n", 400), ""},
		{"a package without a comment", "commands/a.go", "package commands\n", "commands: no comment"},
		{"an unfinished note", "commands/a.go", goFile("commands") + "// TO" + "DO: later\n", "a.go:5: an unfinished note"},
		{"a word that looks like one", "commands/a.go", goFile("commands") + "// Mastodons are dead.\n", ""},
		{"a path of one machine", "README.md", "Look in `/wo" + "rk/main`.\n", "README.md:1: a path of one machine"},
		{"a path of the web", "README.md", "See https://example.com/wo" + "rk/main and /workers.\n", ""},
		{"a temporary path", "test", "cd /tm" + "p/build\n", "a path of one machine"},
		{"the directory that the caller names", "test", "dir=$(mktemp -d \"${TMPDIR:-/tm" + "p}/prosms.XXXXXX\")\n", ""},
		{"a registry's host", "Dockerfile", "ENV GOPROXY=https://proxy.golang" + ".org\n", "a package registry's host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			faults, err := arch.Check(treeWith(tt.file, tt.body))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.want == "" && len(faults) > 0:
				t.Errorf("got %v, want none", faults)
			case tt.want != "" && (len(faults) != 1 || !strings.Contains(faults[0].String(), tt.want)):
				t.Errorf("got %v, want one with %q", faults, tt.want)
			}
		})
	}
}

func TestATreeWithoutALicenceIsNamed(t *testing.T) {
	tree := treeWith("README.md", "")
	delete(tree, "LICENSE")
	faults, err := arch.Check(tree)
	if err != nil || len(faults) != 1 || faults[0].String() != "LICENSE: is missing" {
		t.Errorf("got %v, %v; want LICENSE missing", faults, err)
	}
}

func TestWhatDoesNotParseIsAnError(t *testing.T) {
	if _, err := arch.Check(treeWith("domain/a.go", "package")); err == nil {
		t.Error("no error for half a file")
	}
}

func treeWith(file, body string) fstest.MapFS {
	tree := fstest.MapFS{}
	for _, name := range []string{"LICENSE", "go.mod", "go.sum", file} {
		tree[name] = &fstest.MapFile{}
	}
	tree[file].Data = []byte(body)
	return tree
}

// goFile returns a documented file whose first import stands on line 4.
func goFile(name string, imports ...string) string {
	var b strings.Builder
	b.WriteString("// Package " + name + " is.\npackage " + name + "\n\n")
	for _, i := range imports {
		b.WriteString("import \"" + i + "\"\n")
	}
	return b.String() + "\n"
}
