//go:build linux

package servers

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds the start of a private server, on a machine that is busy.
const startTimeout = 5 * time.Minute

// Private is a server of the test's own, with its data and its port, that it may
// stop, kill and pause. It is killed, and its data deleted, when the test ends.
// It is for one goroutine.
type Private struct {
	URL string

	t       testing.TB
	server  Server
	dir     string // its own, readable by whom it runs as
	as      *syscall.Credential
	command []string
	environ []string

	process *exec.Cmd
	output  *bytes.Buffer
	exited  chan struct{}
}

// newPrivate prepares what user owns, in folder, which is the system's for what is
// temporary if empty; nothing runs yet. Where program is not installed the test is
// skipped, or fails if servers are required.
func newPrivate(t testing.TB, folder string, server Server, owner, program string) *Private {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Attr(Attribute+server.Name, Skipped+"its programs are not installed")
		if Required() {
			t.Fatalf("%s of the test's own: no program to start", server.Name)
		}
		t.Skipf("SKIPPED FOR WANT OF A PROGRAM: %s is not installed", server.Name)
	}
	dir, err := os.MkdirTemp(folder, "prosms-"+server.Name+"-")
	if err != nil {
		t.Fatal(err)
	}
	p := &Private{t: t, server: server, dir: dir}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 { // PostgreSQL refuses root, the others do not need it
		if p.as, err = credentialOf(owner); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, int(p.as.Uid), int(p.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func credentialOf(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// cmd returns a command as whom the server runs as, in a group of its own.
func (p *Private) cmd(ctx context.Context, command ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = p.dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "LC_ALL=C"}, p.environ...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.as}
	return c
}

// run runs a command to its end and returns what it printed.
func (p *Private) run(command ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var output, faults bytes.Buffer
	c := p.cmd(ctx, command...)
	c.Stdout, c.Stderr = &output, &faults
	if err := c.Run(); err != nil {
		p.t.Fatalf("%s: %v\n%s%s", filepath.Base(command[0]), err, &output, &faults)
	}
	return output.String()
}

// Start starts the server and waits until it answers. What a killed one has left
// behind may refuse the next for a moment, so a start that ends is repeated.
func (p *Private) Start() {
	p.t.Helper()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(100 * time.Millisecond) {
		if p.process == nil {
			p.launch()
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		version, err := p.server.version(ctx, p.URL)
		cancel()
		if err == nil {
			p.t.Attr(Attribute+p.server.Name, version+" of the test's own")
			return
		}
		if time.Now().After(deadline) {
			p.Kill() // it writes no more
			p.t.Fatalf("%s does not start: %v\n%s", p.server.Name, err, p.output)
		}
		select {
		case <-p.exited:
			p.process = nil
		default:
		}
	}
}

// launch starts the process. It dies with the test, however that ends: the system
// tells it of the death of the thread that started it, which is kept for that.
func (p *Private) launch() {
	p.t.Helper()
	p.process, p.output, p.exited = p.cmd(context.Background(), p.command...), new(bytes.Buffer), make(chan struct{})
	p.process.Stdout, p.process.Stderr = p.output, p.output
	p.process.WaitDelay = time.Second // for children that keep its output open
	p.process.SysProcAttr.Pdeathsig = syscall.SIGKILL
	process, exited, started := p.process, p.exited, make(chan error)
	go func() {
		defer close(exited)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := process.Start()
		if started <- err; err == nil {
			_ = process.Wait()
		}
	}()
	if err := <-started; err != nil {
		p.t.Fatalf("starting %s: %v", p.server.Name, err)
	}
	p.t.Cleanup(func() { kill(process, exited) })
}

// Running reports whether the server has not ended by itself.
func (p *Private) Running() bool {
	if p.process == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Stop asks the server to end and waits until it has.
func (p *Private) Stop() {
	p.t.Helper()
	_ = syscall.Kill(-p.process.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(startTimeout):
		p.t.Errorf("%s does not stop", p.server.Name)
	}
	p.Kill()
}

// Kill ends the server as a power cut would.
func (p *Private) Kill() {
	if p.process != nil {
		kill(p.process, p.exited)
	}
	p.process = nil
}

func kill(process *exec.Cmd, exited <-chan struct{}) {
	_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
	<-exited
}

// Pause stops the server where it is: it keeps its connections and answers nothing.
func (p *Private) Pause() { p.signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (p *Private) Resume() { p.signal(syscall.SIGCONT) }

// signal reaches the server's children too, which need not be in its group.
func (p *Private) signal(s syscall.Signal) {
	p.t.Helper()
	for _, pid := range append([]int{p.process.Process.Pid}, childrenOf(p.process.Process.Pid)...) {
		if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH {
			p.t.Errorf("signalling %s: %v", p.server.Name, err)
		}
	}
}

// childrenOf reads the processes whose parent is pid.
func childrenOf(pid int) []int {
	var children []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state ppid …": the name may hold anything.
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil {
			children = append(children, child)
		}
	}
	return children
}

// freePort returns a port that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}
