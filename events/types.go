package events

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Types returns the types of events that there are, in order.
func Types() []string { return slices.Sorted(maps.Keys(shapes)) }

// CheckType returns why name selects no events: it is neither a type nor the part of
// one before the dot. The error says what there is, and does not repeat name.
func CheckType(name string) error {
	kind, _, whole := strings.Cut(name, ".")
	if _, ok := shapes[name]; ok {
		return nil
	}
	var kinds, ofKind []string
	for _, t := range Types() {
		k, _, _ := strings.Cut(t, ".")
		if kinds = append(kinds, k); k == kind {
			ofKind = append(ofKind, t)
		}
	}
	switch {
	case len(ofKind) == 0:
		return errors.New("no type of events; they begin with " + strings.Join(slices.Compact(kinds), ", "))
	case whole:
		return errors.New("no type of events; there are " + strings.Join(ofKind, ", "))
	}
	return nil
}
