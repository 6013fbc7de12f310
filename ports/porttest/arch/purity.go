package arch

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// impure is what events and domain may not import: time, chance and I/O come in
// as values. (log/slog is there for types that redact themselves.)
var impure = []string{"crypto/rand", "database/sql", "io/ioutil", "log$", "math/rand", "net", "os", "runtime", "syscall"}

// clocks are the functions of package time that look at a clock or wait for one.
var clocks = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

// impurities returns where events and domain reach for the outside world.
func (s source) impurities() []Fault {
	if !below(s.dir, "events") && !below(s.dir, "domain") {
		return nil
	}
	var faults []Fault
	timeName := ""
	for _, spec := range s.syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if imported == "time" {
			timeName = "time"
			if spec.Name != nil {
				timeName = spec.Name.Name
			}
		}
		if slices.ContainsFunc(impure, func(p string) bool { return matches(imported, p) }) {
			faults = append(faults, s.at(spec.Pos(), "%s is pure and may not import %s", s.dir, imported))
		}
	}
	if timeName == "." {
		return append(faults, Fault{File: s.path, Rule: "a dot import of time hides its clock"})
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && timeName != "" && x.Name == timeName && slices.Contains(clocks, selector.Sel.Name) {
			faults = append(faults, s.at(selector.Pos(), "time.%s in %s: time enters as a value", selector.Sel.Name, s.dir))
		}
		return true
	})
	return faults
}

// maxLines is where a file outside tests has a second idea in it.
const maxLines = 400

func (s source) length() []Fault {
	if lines := strings.Count(s.body, "\n"); lines > maxLines {
		return []Fault{{File: s.path, Rule: strconv.Itoa(lines) + " lines: look for a second idea"}}
	}
	return nil
}
