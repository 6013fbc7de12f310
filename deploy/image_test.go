package deploy_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// stage returns the text of a Dockerfile's stage, its FROM line first.
func stage(dockerfile, name string) string {
	for _, text := range strings.Split(dockerfile, "\nFROM ")[1:] {
		if first, _, _ := strings.Cut(text, "\n"); strings.HasSuffix(first, " AS "+name) {
			return "FROM " + text
		}
	}
	return ""
}

func TestImagesAreEmptyButForOurPrograms(t *testing.T) {
	dockerfile := readFile(t, "Dockerfile")
	if build := stage(dockerfile, "build"); !regexp.MustCompile(`^FROM golang:\d+\.\d+\.\d+-\w+ AS`).MatchString(build) {
		t.Errorf("the build's image has no exact version: %.60q", build)
	}
	base := stage(dockerfile, "base")
	if !strings.HasPrefix(base, "FROM scratch ") || !strings.Contains(base, "\nUSER 65532:65532\n") {
		t.Errorf("the base is not empty, or runs as root:\n%s", base)
	}
	for _, target := range targets(t) {
		if s := stage(dockerfile, target); !strings.HasPrefix(s, "FROM base ") || strings.Contains(s, "\nUSER ") {
			t.Errorf("image %s is not built on base, or changes its user:\n%s", target, s)
		}
	}
}

// targets are the stages that the stack builds.
func targets(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, s := range readCompose(t, "docker-compose.yml").Services {
		if s.Build.Target != "" {
			names = append(names, s.Build.Target)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		t.Fatal("the stack builds nothing")
	}
	return names
}

func TestTheBuildContextHoldsEveryFolderThatTheBuildReads(t *testing.T) {
	ignore := strings.Split(readFile(t, ".dockerignore"), "\n")
	const module = "github.com/pro-sms/prosms/"
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{.ImportPath}}{{end}}", "./cmd/prosms", "./cmd/sandbox", "./cmd/healthcheck")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		path, ours := strings.CutPrefix(strings.TrimSpace(line), module)
		folder, _, _ := strings.Cut(path, "/")
		if ours && !slices.Contains(ignore, "!"+folder) {
			t.Errorf(".dockerignore keeps %s out, and with it %s", folder, path)
		}
	}
}

// The stack's commands are given to the programs, built as the image builds them
// but for what only makes them smaller.
func TestTheProgramsAreStaticAndTakeTheStacksCommands(t *testing.T) {
	dockerfile := readFile(t, "Dockerfile")
	programs := regexp.MustCompile(`go build .* -o /out/ (.+) \\`).FindStringSubmatch(dockerfile)
	if programs == nil || !strings.Contains(dockerfile, "CGO_ENABLED=0") {
		t.Fatal("no static go build in the Dockerfile")
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", dir + "/"}, strings.Fields(programs[1])...)...)
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	if runtime.GOOS == "linux" {
		for _, name := range targets(t) {
			staticELF(t, filepath.Join(dir, name))
		}
	}
	for name, service := range readCompose(t, "docker-compose.yml").Services {
		if service.Build.Target == "" {
			continue
		}
		out, _ := exec.CommandContext(t.Context(), filepath.Join(dir, service.Build.Target), append(service.Command, "--help")...).CombinedOutput()
		if s := strings.ToLower(string(out)); !strings.Contains(s, "usage") || strings.Contains(s, "unknown flag") || strings.Contains(s, "not defined") || strings.Contains(s, "unexpected") {
			t.Errorf("%s does not take %q:\n%s", name, service.Command, out)
		}
	}
}

func staticELF(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s needs a dynamic linker", filepath.Base(path))
		}
	}
}
