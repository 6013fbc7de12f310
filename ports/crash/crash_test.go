package crash_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/ports/crash"
)

func TestAnArmedPointKillsAtItsTurnAndNoOther(t *testing.T) {
	if spec := os.Getenv("CRASH_CHILD"); spec != "" {
		if err := crash.Arm(spec); err != nil {
			t.Fatal(err)
		}
		crash.At(crash.WorkAcked)
		crash.At(crash.WorkClaimed)
		println("once")
		crash.At(crash.WorkClaimed)
		println("twice")
		return
	}
	for _, tt := range []struct {
		spec   string
		killed bool
		want   []string
	}{
		{"work.claimed:2", true, []string{"once", crash.Mark + "work.claimed"}},
		{"work.claimed", true, []string{crash.Mark + "work.claimed"}},
		{"work.claimed:3", false, []string{"once", "twice"}},
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestAnArmedPoint")
		child.Env = append(os.Environ(), "CRASH_CHILD="+tt.spec)
		var stderr strings.Builder
		child.Stderr = &stderr
		err := child.Run()
		exit, failed := errors.AsType[*exec.ExitError](err)
		if killed := failed && !exit.Exited(); killed != tt.killed {
			t.Errorf("%s: killed %t, %v", tt.spec, killed, err)
		}
		if got := strings.Split(strings.TrimSpace(stderr.String()), "\n"); strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("%s: %q, want %q", tt.spec, got, tt.want)
		}
	}
}

func TestAPointThatIsMisspeltIsRefused(t *testing.T) {
	for _, spec := range []string{"work.claimd", "work.claimed:", "work.claimed:0", "work.claimed:x", ":1"} {
		if err := crash.Arm(spec); err == nil {
			t.Errorf("Arm(%q) does not refuse", spec)
		}
	}
	if err := crash.Arm(""); err != nil {
		t.Error(err)
	}
}

func BenchmarkUnarmedPoint(b *testing.B) {
	for b.Loop() {
		crash.At(crash.WorkClaimed)
	}
}
