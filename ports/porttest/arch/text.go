package arch

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// banned is what no file may say. Nothing here is written so that it matches itself.
var banned = []struct {
	words   []string // one stands in whatever matches: most lines have none and need no pattern
	pattern *regexp.Regexp
	rule    string
	only    []string // endings of the files; none: all
}{
	{[]string{"TO" + "DO", "FIX" + "ME", "X" + "XX"}, regexp.MustCompile(`\b(TO[D]O|FIX[M]E|X[X]X)\b`), "an unfinished note: finish it or open an issue", []string{".go", ".sql", ".sh", ".js", ".css", ".html"}},
	{[]string{"/wo" + "rk", "/ro" + "ot"}, regexp.MustCompile(`(^|[\s"'=:,(\x60])/(work|root)(/[\w.]|["'\s]|$)`), "a path of one machine", nil},
	{[]string{"/tmp/"}, regexp.MustCompile(`(^|[\s"'=:,(\x60])/tmp/\w`), "a path of one machine: use the test's or the caller's directory", nil},
	{[]string{".org", ".io"}, regexp.MustCompile(`\b(proxy\.golang|sum\.golang|registry\.npmjs|pypi|files\.pythonhosted|deb\.debian|security\.debian|ghcr|gcr|quay)\.(org|io)\b`), "a package registry's host: leave it to the environment", nil},
}

// text returns the lines of s that say what is banned.
func (s source) text() []Fault {
	if s.path == "go.sum" {
		return nil
	}
	var faults []Fault
	for i, line := range strings.Split(s.body, "\n") {
		for _, b := range banned {
			if slices.ContainsFunc(b.words, func(word string) bool { return strings.Contains(line, word) }) &&
				(b.only == nil || slices.Contains(b.only, path.Ext(s.path))) && b.pattern.MatchString(line) {
				faults = append(faults, Fault{File: s.path, Line: i + 1, Rule: b.rule})
			}
		}
	}
	return faults
}

// missing returns the files that every tree of ours has.
func missing(sources []source) []Fault {
	var faults []Fault
	for _, name := range []string{"LICENSE", "go.mod", "go.sum"} {
		if !slices.ContainsFunc(sources, func(s source) bool { return s.path == name }) {
			faults = append(faults, Fault{File: name, Rule: "is missing"})
		}
	}
	return faults
}

// undocumented returns the folders whose package says nowhere what it does.
func undocumented(sources []source) []Fault {
	said := map[string]bool{}
	var dirs []string
	for _, s := range sources {
		if s.syntax == nil || s.test {
			continue
		}
		if _, seen := said[s.dir]; !seen {
			dirs = append(dirs, s.dir)
		}
		said[s.dir] = said[s.dir] || s.syntax.Doc.Text() != ""
	}
	var faults []Fault
	for _, dir := range dirs {
		if !said[dir] {
			faults = append(faults, Fault{File: dir, Rule: "no comment says what the package does"})
		}
	}
	return faults
}
