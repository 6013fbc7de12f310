package systemtest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// traffic is what an application sends that does not give up: every request has
// an idempotency key and is repeated until it is answered, over whatever befalls
// the gateway. So each of its texts is known, and none is asked for twice.
type traffic struct {
	rig  *rig
	addr string

	mu      sync.Mutex
	ids     []string
	refused map[int]int // answers other than 202, by status; 0: none came
	faults  []error
	sending sync.WaitGroup
}

// newTraffic sends to whatever gateway is at addr.
func newTraffic(r *rig, addr string) *traffic {
	return &traffic{rig: r, addr: addr, refused: map[int]int{}}
}

// key returns an idempotency key for a further request.
func (s *traffic) key() string { return fmt.Sprintf("request-%d", s.rig.texts.Add(1)) }

// send sends texts in one batch, in the background.
func (s *traffic) send(texts []outgoing) { s.sendAs(s.key(), texts) }

func (s *traffic) sendAs(key string, texts []outgoing) {
	s.sending.Go(func() {
		for deadline := time.Now().Add(2 * time.Minute); ; {
			ids, status, err := s.try(key, texts)
			s.mu.Lock()
			if s.ids = append(s.ids, ids...); ids == nil {
				s.refused[status]++
			}
			if err == nil && ids == nil && time.Now().After(deadline) {
				err = errors.New("no answer for two minutes")
			}
			if err != nil {
				s.faults = append(s.faults, fmt.Errorf("sending %s: %w", key, err))
			}
			s.mu.Unlock()
			if ids != nil || err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond) // as a client does
		}
	})
}

// try sends texts once. No ids and no error mean: again.
func (s *traffic) try(key string, texts []outgoing) (ids []string, status int, err error) {
	gateway := &instance{rig: s.rig, url: "http://" + s.addr}
	var answer struct {
		Results []struct {
			ID      string
			Problem *struct{ Code string }
		}
	}
	status, err = gateway.callWith(http.Header{"Idempotency-Key": {key}}, "POST", "/v1/messages/batch", map[string]any{"messages": texts}, &answer)
	switch {
	case err != nil, status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests, status == http.StatusInternalServerError:
		return nil, status, nil
	case status != http.StatusAccepted || len(answer.Results) != len(texts):
		return nil, status, fmt.Errorf("answered with %d and %d results", status, len(answer.Results))
	}
	for _, result := range answer.Results {
		if result.Problem != nil {
			if result.Problem.Code == "unavailable" {
				return nil, status, nil
			}
			return nil, status, fmt.Errorf("an item was refused: %s", result.Problem.Code)
		}
		ids = append(ids, result.ID)
	}
	return ids, status, nil
}

// steadily has the clients send in turn, each texts every so often, until stop is called,
// which returns how many there were.
func steadily(clients []*traffic, each int, every time.Duration) (stop func() int) {
	stopped, texts := make(chan struct{}), make(chan int)
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-stopped:
				texts <- n * each
				return
			case <-ticker.C:
				clients[n%len(clients)].send(clients[0].rig.plain(each))
			}
		}
	}()
	return func() int { close(stopped); return <-texts }
}

// finish waits until everything was answered and returns all ids.
func (s *traffic) finish() []string {
	s.rig.t.Helper()
	s.sending.Wait()
	for _, err := range s.faults {
		s.rig.t.Error(err)
	}
	s.rig.t.Logf("%d texts were answered for; requests that were not: %v", len(s.ids), s.refused)
	return s.ids
}

// finish is that of all clients.
func finish(clients []*traffic) (ids []string) {
	for _, client := range clients {
		ids = append(ids, client.finish()...)
	}
	return ids
}

// pair starts two gateways, and a client of each.
func (r *rig) pair() (gateways []*instance, clients []*traffic) {
	r.t.Helper()
	for range 2 {
		gateway := r.start()
		gateways = append(gateways, gateway)
		clients = append(clients, newTraffic(r, strings.TrimPrefix(gateway.url, "http://")))
	}
	return gateways, clients
}

// plain returns n texts that are all different, in the lanes by turns.
func (r *rig) plain(n int) []outgoing {
	texts := make([]outgoing, n)
	for i := range texts {
		number := int(r.texts.Add(1))
		texts[i] = outgoing{
			To: fmt.Sprintf("+1415%07d", 2_000_000+number), Body: fmt.Sprintf("text %d", number),
			Lane: []string{"normal", "high", "bulk"}[i%3],
		}
	}
	return texts
}
