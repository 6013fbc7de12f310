package arch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// linked is a link to a file of the tree; what names a test has to be in it.
var linked = regexp.MustCompile(`\[([^\]]+)\]\(([a-z][^):]*)\)`)

func TestEveryTestThatAGuaranteeLinksExists(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root(t), "GUARANTEES.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := 0
	for _, link := range linked.FindAllStringSubmatch(string(document), -1) {
		content, err := os.ReadFile(filepath.Join(root(t), link[2]))
		if err != nil {
			t.Errorf("%s: %v", link[1], err)
		}
		if name := link[1]; strings.HasPrefix(name, "Test") {
			if tests++; !strings.Contains(string(content), "func "+name+"(t *testing.T)") {
				t.Errorf("%s is not in %s", name, link[2])
			}
		}
	}
	if tests < 20 {
		t.Errorf("%d tests are linked: the links are not read", tests)
	}
	for _, guarantee := range strings.Fields("G1 G2 G3 G4 G5 G6 G7 G8 G9 G10") {
		if !strings.Contains(string(document), "\n| "+guarantee+" | ") {
			t.Errorf("%s is missing", guarantee)
		}
	}
}
