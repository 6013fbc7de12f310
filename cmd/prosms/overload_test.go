package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/events"
)

// maxResident is what a gateway may hold in memory whatever is asked of it, in
// MiB; under the race detector everything is several times as large.
const maxResident = 1200

// Many times more is asked of a gateway than it can do, of a provider that is
// slow: it refuses cleanly, holds a bounded amount in memory, and what it has
// taken on it sends.
func TestOverloadIsRefusedCleanlyInBoundedMemory(t *testing.T) {
	lasts := 5 * time.Second
	if long() {
		lasts = time.Minute
	}
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full, swift...)
			rig.replace("PROSMS_RATE_PER_KEY", "200")
			if err := rig.provider.Script(sandbox.Fault{Do: sandbox.Slowly, For: events.Duration(20 * time.Millisecond)}); err != nil {
				t.Fatal(err)
			}
			gateway := rig.launch(freeAddr(t))
			eventually(t, 20*time.Second, "ready", gateway.ready)

			var mu sync.Mutex
			var ids []string
			answers := map[string]int{}
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}, Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			var asking sync.WaitGroup
			end := time.Now().Add(lasts)
			for range 100 { // asking 10 times as much as the key may, and more
				asking.Go(func() {
					for time.Now().Before(end) {
						id, answer := gateway.ask(client)
						mu.Lock()
						if answers[answer]++; id != "" {
							ids = append(ids, id)
						}
						mu.Unlock()
					}
				})
			}
			peak := 0
			for time.Now().Before(end) {
				peak = max(peak, residentMiB(t, gateway.process.Process.Pid))
				time.Sleep(100 * time.Millisecond)
			}
			asking.Wait()
			t.Logf("%d MiB at the most; answers %v", peak, answers)
			if peak > maxResident {
				t.Errorf("%d MiB in memory, more than %d", peak, maxResident)
			}
			for answer := range maps.Keys(answers) {
				if answer != "202" && answer != "429 with Retry-After" && answer != "503 with Retry-After" {
					t.Errorf("an answer was %s", answer)
				}
			}
			if len(ids) == 0 || answers["429 with Retry-After"] == 0 {
				t.Error("nothing was taken on, or nothing was refused")
			}
			rig.provider.ClearScript()
			rig.verify(gateway, ids, lasts+time.Minute)
			gateway.stop()
		})
	}
}

// ask sends a text and says what the answer was.
func (i *instance) ask(client *http.Client) (id, answer string) {
	n := i.rig.texts.Add(1)
	body := fmt.Sprintf(`{"to":"+1415%07d","body":"text %d"}`, 2_000_000+n, n)
	request, err := http.NewRequest(http.MethodPost, i.url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return "", err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+i.rig.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", err.Error()
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusAccepted {
		// The id stands in the place to look at, too.
		return strings.TrimPrefix(response.Header.Get("Location"), "/v1/messages/"), "202"
	}
	if response.Header.Get("Retry-After") != "" {
		return "", fmt.Sprint(response.StatusCode, " with Retry-After")
	}
	return "", strconv.Itoa(response.StatusCode)
}

// residentMiB returns how much of a process is in memory, where the system tells.
func residentMiB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024
		}
	}
	return 0
}
