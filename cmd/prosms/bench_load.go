package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// benchLoad is the client of a bench: so many connections, each with one request
// after the other.
type benchLoad struct {
	benchCommand
	url, key string

	begun    atomic.Int64 // texts that a request was made for, or is about to be
	accepted int
	took     time.Duration
	requests []time.Duration // how long each took that was answered with 202
	mu       sync.Mutex
}

// run sends until all texts are sent or the time is over. Any answer but 202 is an
// error: a bench that is refused measures nothing.
func (l *benchLoad) run(ctx context.Context) error {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: l.Concurrency}}
	defer client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range l.Concurrency {
		group.Go(func() error {
			for time.Since(start) < l.Time {
				first := int(l.begun.Add(int64(l.Batch))) - l.Batch
				if first >= l.Texts || !l.pace(ctx, start, first) {
					return nil
				}
				if err := l.request(ctx, client, first, min(l.Batch, l.Texts-first)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	l.took = time.Since(start)
	return err
}

// pace waits until text i may be sent; false means that the time is over before.
func (l *benchLoad) pace(ctx context.Context, start time.Time, i int) bool {
	if l.Rate == 0 {
		return true
	}
	due := time.Duration(i) * time.Second / time.Duration(l.Rate)
	if due > l.Time {
		return false
	}
	select {
	case <-time.After(due - time.Since(start)):
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *benchLoad) request(ctx context.Context, client *http.Client, first, n int) error {
	path, body := "/v1/messages", any(l.text(first))
	if l.Batch > 1 {
		texts := make([]map[string]string, n)
		for i := range texts {
			texts[i] = l.text(first + i)
		}
		path, body = "/v1/messages/batch", map[string]any{"messages": texts}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+l.key)
	request.Header.Set("Content-Type", "application/json")
	start := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("sending: status %d", response.StatusCode)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted += n
	l.requests = append(l.requests, time.Since(start))
	return nil
}

// text is one of a hundred thousand different recipients' one-time code.
func (l *benchLoad) text(i int) map[string]string {
	return map[string]string{
		"to":   fmt.Sprintf("+1415%07d", 2_000_000+i%100_000),
		"body": fmt.Sprintf("Your code is %06d. Do not share it with anyone.", i%1_000_000),
		"lane": l.Lane,
	}
}
