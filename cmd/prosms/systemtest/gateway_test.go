package systemtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/pro-sms/prosms/events"
)

// instance is a gateway in a process of its own.
type instance struct {
	rig     *rig
	url     string
	admin   string
	process *exec.Cmd
	output  *lockedBuffer
	exited  chan struct{}
	err     error // after exited
}

// start runs serve and waits until it is ready.
func (r *rig) start() *instance {
	r.t.Helper()
	i := r.launch(freeAddr(r.t))
	eventually(r.t, 20*time.Second, "ready", i.ready)
	return i
}

// launch runs serve at addr, with further settings.
func (r *rig) launch(addr string, settings ...string) *instance {
	r.t.Helper()
	return r.spawn(addr, []string{"serve"}, append(r.environ[:len(r.environ):len(r.environ)], settings...))
}

// spawn runs prosms with args in a process of its own, whose environment is environ
// with the addresses of an instance whose API, if it has one, is at addr.
func (r *rig) spawn(addr string, args, environ []string) *instance {
	r.t.Helper()
	admin := freeAddr(r.t)
	i := &instance{rig: r, url: "http://" + addr, admin: "http://" + admin, output: &lockedBuffer{}, exited: make(chan struct{})}
	program, err := r.program()
	if err != nil {
		r.t.Fatal(err)
	}
	i.process = exec.Command(program, args...)
	i.process.Env = append(environ[:len(environ):len(environ)],
		"PROSMS_HTTP_ADDR="+addr, "PROSMS_ADMIN_ADDR="+admin, "PROSMS_PUBLIC_URL="+i.url, "PROSMS_ADMIN_URL="+i.adminURL())
	i.process.Stdout, i.process.Stderr = i.output, i.output
	if err := i.process.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { defer close(i.exited); i.err = i.process.Wait() }()
	r.t.Cleanup(func() {
		i.kill()
		if r.t.Failed() {
			r.t.Logf("output of %s:\n%s", i.url, i.output)
		}
	})
	return i
}

// adminURL is where browsers find the admin pages: another site than the servers of
// tests at 127.0.0.1, for cookies and policies.
func (i *instance) adminURL() string { return strings.Replace(i.admin, "127.0.0.1", "localhost", 1) }

func (i *instance) ready() bool { return answersWell(i.url + "/readyz") }

func answersWell(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// kill ends the process as a power cut would.
func (i *instance) kill() {
	_ = i.process.Process.Signal(syscall.SIGKILL)
	<-i.exited
}

// stop ends it as an operator does, and expects it to end well.
func (i *instance) stop() {
	i.rig.t.Helper()
	if err := i.process.Process.Signal(syscall.SIGTERM); err != nil {
		i.rig.t.Error(err)
	}
	select {
	case <-i.exited:
		if i.err != nil {
			i.rig.t.Errorf("after SIGTERM: %v", i.err)
		}
	case <-time.After(70 * time.Second):
		i.rig.t.Error("still running after SIGTERM")
	}
}

// call makes a request with the rig's key and decodes the answer into out.
func (i *instance) call(method, path string, body, out any) (int, error) {
	return i.callWith(nil, method, path, body, out)
}

// callWith is call with further headers.
func (i *instance) callWith(header http.Header, method, path string, body, out any) (int, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(method, i.url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Authorization", "Bearer "+i.rig.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if out != nil {
		err = json.Unmarshal(answer, out)
	}
	return response.StatusCode, err
}

// outgoing is what the tests send.
type outgoing struct {
	To   string `json:"to"`
	Body string `json:"body"`
	Lane string `json:"lane,omitempty"`

	SendAt string `json:"send_at,omitempty"`
}

// sendBatch sends n texts in batches and returns the ids that were answered. No
// two texts of a rig are the same: a look-up could not tell them apart.
func (i *instance) sendBatch(n int) ([]string, error) {
	var ids []string
	for len(ids) < n {
		var request struct {
			Messages []outgoing `json:"messages"`
		}
		for range min(500, n-len(ids)) {
			n := int(i.rig.texts.Add(1))
			request.Messages = append(request.Messages, outgoing{To: fmt.Sprintf("+1415%07d", 2_000_000+n), Body: fmt.Sprintf("text %d", n)})
		}
		var answer struct {
			Results []struct {
				ID string `json:"id"`
			} `json:"results"`
		}
		status, err := i.call("POST", "/v1/messages/batch", request, &answer)
		if err != nil || status != http.StatusAccepted || len(answer.Results) != len(request.Messages) {
			return ids, fmt.Errorf("sending a batch: %d, %d results, %v", status, len(answer.Results), err)
		}
		for _, result := range answer.Results {
			ids = append(ids, result.ID)
		}
	}
	return ids, nil
}

// statuses returns what the list says of every message.
func (i *instance) statuses() map[string]string {
	i.rig.t.Helper()
	statuses := map[string]string{}
	for cursor := ""; ; {
		path := "/v1/messages?limit=100"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		var page struct {
			Data       []struct{ ID, Status string } `json:"data"`
			NextCursor string                        `json:"next_cursor"`
		}
		status, err := i.call("GET", path, nil, &page)
		if err != nil || status != http.StatusOK {
			i.rig.t.Fatalf("listing: %d, %v", status, err)
		}
		for _, m := range page.Data {
			statuses[m.ID] = m.Status
		}
		if cursor = page.NextCursor; cursor == "" {
			return statuses
		}
	}
}

// any reports whether the view has a message of a status.
func (i *instance) any(status string) bool {
	i.rig.t.Helper()
	var page struct{ Data []json.RawMessage }
	if code, err := i.call("GET", "/v1/messages?limit=1&status="+status, nil, &page); err != nil || code != http.StatusOK {
		i.rig.t.Fatalf("listing %s: %d, %v", status, code, err)
	}
	return len(page.Data) > 0
}

// statusOf returns the status of a message.
func (i *instance) statusOf(id string) string {
	i.rig.t.Helper()
	var answer struct{ Status string }
	if code, err := i.call("GET", "/v1/messages/"+id, nil, &answer); err != nil || code != http.StatusOK {
		i.rig.t.Fatalf("getting %s: %d, %v", id, code, err)
	}
	return answer.Status
}

// timeline returns the events of a message.
func (i *instance) timeline(id string) []events.Recorded {
	i.rig.t.Helper()
	var answer struct{ Data []events.Recorded }
	if status, err := i.call("GET", "/v1/messages/"+id+"/events", nil, &answer); err != nil || status != http.StatusOK {
		i.rig.t.Fatalf("events of %s: %d, %v", id, status, err)
	}
	return answer.Data
}
