package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestOperatorsAreManagedOnTheCommandLine(t *testing.T) {
	environ := []string{"DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "a.db"), "PROSMS_LOG_LEVEL=error"}
	must := func(args ...string) string {
		t.Helper()
		printed, err := runHere(t, environ, append([]string{"operators"}, args...)...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, printed)
		}
		return printed
	}
	must("invite", "ada", "--role", "admin")
	must("invite", "bob", "--role", "viewer")
	must("role", "bob", "operator", "--reason", "moved to support")
	if list := strings.Join(strings.Fields(must("list")), " "); !strings.Contains(list, "bob operator") {
		t.Errorf("after the change: %s", list)
	}
	must("remove", "bob", "--reason", "left")
	if list := must("list"); strings.Contains(list, "bob") || !strings.Contains(list, "ada") {
		t.Errorf("after the removal: %s", list)
	}
	for _, args := range [][]string{{"role", "bob", "viewer", "--reason", "x"}, {"role", "ada", "king", "--reason", "x"}, {"remove", "bob", "--reason", "x"}, {"remove", "ada"}} {
		if printed, err := runHere(t, environ, append([]string{"operators"}, args...)...); err == nil {
			t.Errorf("%v: %s", args, printed)
		}
	}
}
