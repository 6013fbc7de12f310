package main

import (
	"slices"
	"strings"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// event is a line of go test -json: see go doc test2json.
type event struct {
	Action      string
	Package     string
	Test        string // "" for the package as a whole
	Output      string
	Elapsed     float64 // seconds, at the end
	Key, Value  string  // of an attr
	FailedBuild string  // of a package's fail: it did not compile
}

// testID names a test or a subtest.
type testID struct{ pkg, test string }

// tally is what a run of go test came to. Subtests count as tests.
type tally struct {
	passed, failed int
	skips          map[string]int       // tests by the reason that they gave
	backends       map[backend][]testID // the tests that asked for it
	packages       map[string]int       // tests that passed, by package
	failedIn       map[string]bool      // packages with a failed test
	running        map[testID][]string  // output of tests that have not ended
	faults         []string             // the tests that failed, and what they say themselves
	took           []duration
	printed        func(line string) // takes what people should read
}

// duration is how long a test took, the time in which it waited for its turn
// excepted.
type duration struct {
	testID
	seconds float64
}

// backend is a server, and what became of it.
type backend struct{ name, became string }

func newTally(printed func(string)) *tally {
	return &tally{
		skips: map[string]int{}, backends: map[backend][]testID{}, packages: map[string]int{},
		failedIn: map[string]bool{}, running: map[testID][]string{}, printed: printed,
	}
}

// add takes the events of any number of packages, mixed, in order.
func (t *tally) add(e event) {
	if e.Test == "" {
		t.addPackage(e)
		return
	}
	id := testID{e.Package, e.Test}
	if e.Elapsed > 0 {
		t.took = append(t.took, duration{id, e.Elapsed})
	}
	switch e.Action {
	case "run":
		t.running[id] = nil
	case "output":
		t.running[id] = append(t.running[id], e.Output)
	case "attr":
		t.addAttribute(e)
	case "pass":
		t.passed++
		t.packages[e.Package]++
		delete(t.running, id)
	case "skip":
		t.skips[reason(t.running[id])]++
		delete(t.running, id)
	case "fail":
		t.fail(id)
	}
}

func (t *tally) addPackage(e event) {
	switch e.Action {
	case "build-output":
		t.printed(e.Output)
	case "output":
		if e.Output != "PASS\n" && e.Output != "FAIL\n" && !strings.HasSuffix(e.Output, "[no test files]\n") {
			t.printed(e.Output)
		}
	case "fail":
		// Tests that have not ended went down with the process; without any, the
		// package failed as such: it did not compile, or TestMain gave up.
		before := t.failed
		for id := range t.running {
			if id.pkg == e.Package {
				t.fail(id)
			}
		}
		if t.failed == before && (e.FailedBuild != "" || !t.failedIn[e.Package]) {
			t.failed++
		}
	}
}

func (t *tally) addAttribute(e event) {
	name, ok := strings.CutPrefix(e.Key, servers.Attribute)
	if !ok {
		return
	}
	key, id := backend{name, e.Value}, testID{e.Package, e.Test}
	if !slices.Contains(t.backends[key], id) {
		t.backends[key] = append(t.backends[key], id)
	}
}

// became lists what tests found of a server: one line if all found the same.
func (t *tally) became(server string) []backend {
	var found []backend
	for b := range t.backends {
		if b.name == server {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b backend) int { return strings.Compare(a.became, b.became) })
	return found
}

// fail counts a test and prints what it had to say.
func (t *tally) fail(id testID) {
	t.failed++
	t.failedIn[id.pkg] = true
	t.faults = append(t.faults, id.pkg+" "+id.test)
	t.faults = append(t.faults, said(t.running[id])...)
	for _, line := range t.running[id] {
		if !strings.HasPrefix(line, "=== ") {
			t.printed(line)
		}
	}
	delete(t.running, id)
}

// saidAtMost is how many lines of a test the list of faults has.
const saidAtMost = 12

// said returns what a test says itself, without the logs that it passes on.
func said(output []string) []string {
	var lines []string
	for _, line := range output {
		if place, _, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.Contains(place, "_test.go:") && !strings.Contains(place, " ") {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines[:min(len(lines), saidAtMost)]
}

// reason returns what a skipped test said last, without the place in the source.
func reason(output []string) string {
	said := "no reason given"
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		said = line
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok := strings.Cut(text, ": "); ok {
				said = text
			}
		}
	}
	return said
}
