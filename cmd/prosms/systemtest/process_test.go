package systemtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// programs is the folder that TestMain makes for what is built.
var programs string

// shipped returns prosms as it ships.
var shipped = sync.OnceValues(func() (string, error) { return build("prosms", "CGO_ENABLED=0") })

// raced returns prosms with the race detector, if ./test found what that needs: several
// times as slow, so only those tests run it whose point are goroutines that meet.
var raced = sync.OnceValues(func() (string, error) {
	if os.Getenv("PROSMS_TEST_RACE") == "" {
		return shipped()
	}
	return build("prosms-race", "CGO_ENABLED=1", "-race")
})

func build(name, cgo string, flags ...string) (string, error) {
	path := filepath.Join(programs, name)
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", path}, flags, []string{"github.com/pro-sms/prosms/cmd/prosms"})...)
	cmd.Env = append(os.Environ(), cgo)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, output)
	}
	return path, nil
}

// prosms runs a command line of prosms, with no environment but environ, to its end.
// What it prints on stderr is the text of the error too, if it ends with one.
func prosms(t testing.TB, environ []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	program, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append([]string{"TMPDIR=" + os.TempDir()}, environ...), &out, &errs
	if err = cmd.Run(); err != nil {
		err = errors.Join(err, errors.New(strings.TrimSpace(errs.String())))
	}
	return out.String(), errs.String(), err
}
