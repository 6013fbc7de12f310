package main

import (
	"fmt"
	"strings"
)

// misspelt returns a fault for each name of the environment that was meant for prosms
// and is no setting: all that begin with PROSMS_, and of those with TWILIO_, which other
// programs and references have as well, what is spelt almost like one of ours.
func (c *Config) misspelt(given map[string]string) (faults []error) {
	known := map[string]bool{}
	for _, s := range c.settings() {
		known[s.name] = true
	}
	for name := range given {
		ours := strings.HasPrefix(name, "PROSMS_")
		if known[name] || testOnly(name) || !ours && !strings.HasPrefix(name, "TWILIO_") {
			continue
		}
		if meant := spelt(name, known); meant != "" {
			faults = append(faults, fmt.Errorf("%s: no such setting: is %s meant?", name, meant))
		} else if ours {
			faults = append(faults, fmt.Errorf("%s: no such setting", name))
		}
	}
	return faults
}

// testOnly reports whether a variable steers the test suite and not the program.
func testOnly(name string) bool { return strings.HasPrefix(name, "PROSMS_TEST_") }

// spelt returns which of known a name is a slip away from; empty: none. One that goes on
// after a known name, such as TWILIO_AUTH_TOKEN_2, was chosen and not misspelt.
func spelt(name string, known map[string]bool) (meant string) {
	for k := range known {
		if strings.HasPrefix(name, k) {
			return ""
		}
		if slip(strings.ReplaceAll(name, "_", ""), strings.ReplaceAll(k, "_", "")) {
			meant = k
		}
	}
	return meant
}

// slip reports whether a is b but for one letter too many, too few or wrong, or two
// that changed places.
func slip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
