package systemtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// maxResident is what a gateway may hold in memory whatever is asked of it, in
// MiB; under the race detector everything is several times as large.
const maxResident = 1200

// Many times more is asked of a gateway than it may do, or than it can do: it
// refuses cleanly, holds a bounded amount in memory, and what it has taken on it
// sends.
func TestOverloadIsRefusedCleanlyInBoundedMemory(t *testing.T) {
	lasts := 3 * time.Second
	if long() {
		lasts = time.Minute
	}
	for name, full := range stacks {
		for _, load := range []struct {
			name    string
			rate    string // that the key is allowed, in requests a second
			clients int
			texts   int // in a request
			refusal string
		}{
			{"of one key", "5", 100, 1, "429 with Retry-After"},
			{"of all that is there", "0", 64, 10, "503 with Retry-After"},
		} {
			t.Run(name+" "+load.name, func(t *testing.T) {
				t.Parallel()
				rig := newRig(t, full, swift...)
				rig.replace("PROSMS_RATE_PER_KEY", "0")
				unlimited := rig.key
				if load.rate != "0" {
					lines := strings.Split(strings.TrimSpace(rig.command("keys", "create", "--tenant", "acme", "--scope", "admin", "--rate", load.rate)), "\n")
					rig.key = lines[len(lines)-1]
				}
				gateway := rig.launch(freeAddr(t))
				eventually(t, time.Minute, "ready", gateway.ready)
				ids, answers, peak := gateway.overload(load.clients, load.texts, lasts)
				t.Logf("%d MiB at the most; answers %v", peak, answers)
				if peak > maxResident {
					t.Errorf("%d MiB in memory, more than %d", peak, maxResident)
				}
				for answer := range answers {
					if answer != "202" && answer != load.refusal {
						t.Errorf("an answer was %s", answer)
					}
				}
				if len(ids) == 0 || load.rate != "0" && answers[load.refusal] == 0 {
					t.Error("nothing was taken on, or nothing was refused")
				}
				rig.key = unlimited // to look at everything at leisure
				rig.verifyOnce(gateway, ids, 20*lasts+time.Minute)
				gateway.stop()
			})
		}
	}
}

// overload has so many clients ask without a pause, and returns the ids that were
// answered, how often there was which answer, and the most that was in memory.
func (i *instance) overload(clients, texts int, lasts time.Duration) (ids []string, answers map[string]int, peak int) {
	answers = map[string]int{}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var asking sync.WaitGroup
	end := time.Now().Add(lasts)
	for range clients {
		asking.Go(func() {
			for time.Now().Before(end) {
				accepted, answer := i.ask(client, i.rig.plain(texts))
				mu.Lock()
				ids = append(ids, accepted...)
				answers[answer]++
				mu.Unlock()
			}
		})
	}
	for time.Now().Before(end) {
		peak = max(peak, residentMiB(i.rig.t, i.process.Process.Pid))
		time.Sleep(100 * time.Millisecond)
	}
	asking.Wait()
	return ids, answers, peak
}

// ask sends a batch and says what the answer was.
func (i *instance) ask(client *http.Client, texts []outgoing) (ids []string, answer string) {
	body, err := json.Marshal(map[string]any{"messages": texts})
	if err != nil {
		return nil, err.Error()
	}
	request, err := http.NewRequest(http.MethodPost, i.url+"/v1/messages/batch", bytes.NewReader(body))
	if err != nil {
		return nil, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+i.rig.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err.Error()
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		if response.Header.Get("Retry-After") != "" {
			return nil, fmt.Sprint(response.StatusCode, " with Retry-After")
		}
		return nil, strconv.Itoa(response.StatusCode)
	}
	var results struct{ Results []struct{ ID string } }
	if err := json.NewDecoder(response.Body).Decode(&results); err != nil {
		return nil, err.Error()
	}
	for _, result := range results.Results {
		ids = append(ids, result.ID)
	}
	return ids, "202"
}

// residentMiB returns how much of a process is in memory, where the system tells.
func residentMiB(t testing.TB, pid int) int {
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
