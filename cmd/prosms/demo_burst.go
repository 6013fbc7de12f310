package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A burst: texts enough for somebody to press the other button in their midst.
const (
	burstTexts  = 500
	burstBatch  = 50
	burstPace   = 500 * time.Millisecond // between batches
	burstPhones = 5
	burstLooks  = 20 // texts that have not arrived and are asked for, at each pace
)

// demoBurst sends texts as an application should: what was not answered is asked
// again under the same Idempotency-Key. It remembers what it was promised, so that
// it can tell when the gateway forgets one.
type demoBurst struct {
	url  string
	took func(id string) bool // by the carrier

	mu       sync.Mutex
	key      string   // empty: the gateway has not been up yet
	rest     int      // texts to hand over
	promised []string // answered for, and not seen at the carrier yet
	gone     int64    // answered for, and not known to the gateway any more
	strike   func()   // to be called when the next batch is answered for; nil: nothing
}

var errBursting = errors.New("a burst is under way already, or the gateway has not been up yet")

func (b *demoBurst) open(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.key = key
}

// begin has run hand over the texts of a burst.
func (b *demoBurst) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key == "" || b.rest > 0 {
		return errBursting
	}
	b.rest = burstTexts
	return nil
}

// amid has strike called as soon as the next batch is answered for, when its texts
// are being sent. It is false, and nothing is done, without a burst.
func (b *demoBurst) amid(strike func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rest > 0 {
		b.strike = strike
	}
	return b.rest > 0
}

func (b *demoBurst) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rest
}

func (b *demoBurst) missing() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone
}

// run hands texts over, and looks for those promised, until ctx ends.
func (b *demoBurst) run(ctx context.Context, changed func()) error {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	batch := rand.Text()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(burstPace):
		}
		if rest := b.left(); rest > 0 {
			if ids, ok := b.post(ctx, client, batch, burstTexts-rest); ok {
				b.handed(ids)
				batch = rand.Text()
				changed()
			}
		}
		b.look(ctx, client)
	}
}

// handed notes a batch that was answered for.
func (b *demoBurst) handed(ids []string) {
	b.mu.Lock()
	strike := b.strike
	b.rest, b.promised, b.strike = max(0, b.rest-burstBatch), append(b.promised, ids...), nil
	b.mu.Unlock()
	if strike != nil {
		strike()
	}
}

// post hands a batch over and returns the ids of its texts. It is false when the
// gateway did not answer for them.
func (b *demoBurst) post(ctx context.Context, client *http.Client, batch string, first int) ([]string, bool) {
	type text struct {
		To   string `json:"to"`
		Body string `json:"body"`
	}
	var request struct {
		Messages []text `json:"messages"`
	}
	for i := first; i < first+burstBatch; i++ {
		request.Messages = append(request.Messages, text{fmt.Sprintf("+1415555010%d", i%burstPhones), fmt.Sprintf("Text %d of %d", i+1, burstTexts)})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, false
	}
	var answer struct {
		Results []struct{ ID string }
	}
	status, err := b.ask(ctx, client, http.MethodPost, "/v1/messages/batch", batch, body, &answer)
	if err != nil || status != http.StatusAccepted {
		return nil, false
	}
	var ids []string
	for _, result := range answer.Results {
		if result.ID != "" { // the others were refused, and nothing was promised
			ids = append(ids, result.ID)
		}
	}
	return ids, true
}

// look forgets the promised texts that have arrived at the carrier, and asks the
// gateway for the oldest of the others.
func (b *demoBurst) look(ctx context.Context, client *http.Client) {
	b.mu.Lock()
	b.promised = slices.DeleteFunc(b.promised, b.took)
	asked := slices.Clone(b.promised[:min(burstLooks, len(b.promised))])
	b.mu.Unlock()
	for _, id := range asked {
		var found struct{ Status string }
		status, err := b.ask(ctx, client, http.MethodGet, "/v1/messages/"+id, "", nil, &found)
		if err != nil {
			return // it is down
		}
		ended := slices.Contains([]string{"dispatched", "delivered", "undelivered", "dead_lettered", "opted_out", "canceled", "expired"}, found.Status)
		if status == http.StatusNotFound || ended {
			b.mu.Lock()
			if status == http.StatusNotFound {
				b.gone++
			}
			b.promised = slices.DeleteFunc(b.promised, func(other string) bool { return other == id })
			b.mu.Unlock()
		}
	}
}

// ask makes one request of the API. An empty batch stands for no Idempotency-Key.
func (b *demoBurst) ask(ctx context.Context, client *http.Client, method, path, batch string, body []byte, into any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	req.Header.Set("Authorization", "Bearer "+b.key)
	b.mu.Unlock()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if batch != "" {
		req.Header.Set("Idempotency-Key", batch)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into)
}
