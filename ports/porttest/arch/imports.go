package arch

import (
	"slices"
	"strconv"
	"strings"
)

// layer says what a folder, with all below it, may import besides the standard
// library.
type layer struct {
	dir   string
	allow []string // patterns of matches
	open  bool     // besides, everything from other modules
}

// layers is the direction of dependencies, innermost first; the longest dir that
// fits a folder counts. Changing a line here is a change of architecture: see
// ARCHITECTURE.md.
var layers = []layer{
	{dir: "events"},
	{dir: "events/audit", allow: []string{"./events"}},
	{dir: "domain", allow: []string{"./domain", "./events"}},
	{dir: "domain/keywords", allow: []string{"./domain", "./events", "golang.org/x/text"}},
	{dir: "domain/phone", allow: []string{"./domain", "./events", "github.com/nyaruka/phonenumbers"}},
	{dir: "domain/segments", allow: []string{"./domain", "./events", "github.com/rivo/uniseg", "golang.org/x/text"}},
	{dir: "ports", allow: []string{"./domain", "./events", watermillMessage}},
	{dir: "ports/httpcall", allow: []string{"./domain", "./ports"}},
	{dir: "commands", allow: []string{
		"./domain", "./events", "./ports", watermill, watermillMessage, "github.com/google/uuid", "golang.org/x/sync",
	}},
	{dir: "projections", allow: []string{"./events", "./ports", watermillMessage}},
	{dir: "migrations"},
	{dir: "adapters", open: true, allow: []string{
		"./domain", "./events", "./ports", "./commands", "./projections", "./migrations",
	}},
	{dir: "ports/porttest", open: true, allow: []string{"./domain", "./events", "./ports"}},
	{dir: "cmd", open: true, allow: []string{"."}},
}

const (
	testTool         = "cmd/testrun"
	watermill        = "github.com/ThreeDotsLabs/watermill$" // the root alone: ids and its logger
	watermillMessage = "github.com/ThreeDotsLabs/watermill/message"
)

// imports returns what s imports against its layer.
func (s source) imports() []Fault {
	rule, known := layerOf(s.dir)
	if !known {
		return []Fault{{File: s.path, Rule: "no layer: name the folder " + s.dir + " in " + Module + "/ports/porttest/arch"}}
	}
	var faults []Fault
	for _, spec := range s.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !rule.allows(s.dir, imported) {
			faults = append(faults, s.at(spec.Pos(), "%s may not import %s", s.dir, imported))
		}
	}
	return faults
}

// layerOf returns the layer with the longest dir that dir is or is below.
func layerOf(dir string) (best layer, known bool) {
	for _, l := range layers {
		if below(dir, l.dir) && len(l.dir) >= len(best.dir) {
			best, known = l, true
		}
	}
	return best, known
}

func (l layer) allows(dir, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	ours := below(imported, Module)
	switch {
	case imported == "C":
		return false // the binary is static
	case !strings.Contains(first, "."):
		return true // the standard library
	case ours && l.dir == "adapters" && below(imported, Module+"/"+adapter(dir)):
		return true // its own packages, not its neighbours'
	case below(imported, Module+"/ports/porttest") && l.dir != "ports/porttest" && dir != testTool:
		return false // what is only for tests
	case !ours && l.open:
		return true
	}
	return slices.ContainsFunc(l.allow, func(allowed string) bool { return matches(imported, allowed) })
}

// matches reads the patterns of layers: a path and what is below it, "./" for
// ours, "$" at the end for the path alone.
func matches(imported, pattern string) bool {
	if exact, ok := strings.CutSuffix(pattern, "$"); ok {
		return imported == exact
	}
	if inner, ok := strings.CutPrefix(pattern, "."); ok {
		pattern = Module + inner
	}
	return below(imported, pattern)
}

// adapter returns "adapters/x" for it and everything below.
func adapter(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// below says whether p is root or lies under it.
func below(p, root string) bool {
	return p == root || strings.HasPrefix(p, root+"/")
}
