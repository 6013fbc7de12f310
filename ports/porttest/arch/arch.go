// Package arch holds the source tree to the rules that no compiler checks: which
// folder may import which, that the inner ones are pure, that files stay small
// and packages are explained, and that nothing in the tree belongs to one machine.
// It needs nothing but the source, so that it runs in every go test.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Module is the path in go.mod.
const Module = "github.com/pro-sms/prosms"

// Fault is a place that breaks a rule.
type Fault struct {
	File string // slash-separated, from the root of the tree
	Line int    // 0: the file as a whole
	Rule string // what was broken, in words for its author
}

// String returns "file:line: rule", as editors read it.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Rule
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Rule)
}

// Check returns every fault of the tree, in the order of its files. The error
// means that the tree cannot be read or parsed.
func Check(tree fs.FS) ([]Fault, error) {
	sources, err := readTree(tree)
	if err != nil {
		return nil, err
	}
	faults := missing(sources)
	for _, s := range sources {
		faults = append(faults, s.text()...)
		if s.syntax != nil && !s.test {
			faults = append(faults, s.imports()...)
			faults = append(faults, s.impurities()...)
			faults = append(faults, s.outbound()...)
			faults = append(faults, s.length()...)
		}
	}
	return append(faults, undocumented(sources)...), nil
}

// source is one file of the tree.
type source struct {
	path   string // from the root: "domain/phone/phone.go"
	dir    string // "domain/phone"
	body   string
	test   bool // a _test.go file
	files  *token.FileSet
	syntax *ast.File // nil unless Go
}

// readTree reads every text file that is ours: not what git, a build or a demo
// left behind.
func readTree(tree fs.FS) ([]source, error) {
	var sources []source
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if slices.Contains([]string{".git", "demo-data", "node_modules"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular(), entry.Name() == ".git": // a work tree of git has a file of that name
			return nil
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if strings.ContainsRune(string(body[:min(len(body), 8000)]), 0) {
			return nil // binary
		}
		s, err := parse(name, string(body))
		sources = append(sources, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	return sources, nil
}

func parse(name, body string) (source, error) {
	s := source{path: name, dir: path.Dir(name), body: body, test: strings.HasSuffix(name, "_test.go")}
	if !strings.HasSuffix(name, ".go") {
		return s, nil
	}
	s.files = token.NewFileSet()
	var err error
	s.syntax, err = parser.ParseFile(s.files, name, body, parser.ParseComments)
	return s, err
}

// at returns a fault at a place in s.
func (s source) at(pos token.Pos, format string, args ...any) Fault {
	return Fault{File: s.path, Line: s.files.Position(pos).Line, Rule: fmt.Sprintf(format, args...)}
}
