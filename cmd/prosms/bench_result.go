package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// benchHistory is what the log says of a bench. It is read when the load is over,
// so that reading it is not part of what is measured.
type benchHistory struct {
	store    ports.EventStore
	tenant   string
	position int64

	accepted   map[string]time.Time // by message
	dispatched map[string]time.Time
}

// await reads on until n texts are dispatched.
func (h *benchHistory) await(ctx context.Context, n int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	h.accepted, h.dispatched = map[string]time.Time{}, map[string]time.Time{}
	for len(h.dispatched) < n {
		grown := h.store.Changed()
		frame, err := h.store.Read(ctx, h.position, 1000)
		if err != nil {
			return fmt.Errorf("reading the log: %d of %d texts dispatched: %w", len(h.dispatched), n, err)
		}
		for _, e := range frame {
			h.note(e)
		}
		if len(frame) > 0 {
			continue
		}
		select {
		case <-grown:
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d texts were dispatched within %s", len(h.dispatched), n, limit)
		}
	}
	return nil
}

func (h *benchHistory) note(e events.Recorded) {
	h.position = e.Position
	if e.Meta.Tenant != h.tenant {
		return
	}
	switch e.Data.(type) {
	case events.MessageAccepted:
		h.accepted[e.StreamID] = e.RecordedAt
	case events.MessageDispatched:
		h.dispatched[e.StreamID] = e.RecordedAt
	}
}

// benchResult are the figures of a bench; times are in milliseconds.
type benchResult struct {
	Texts         int         `json:"texts"`
	Concurrency   int         `json:"concurrency"`
	Batch         int         `json:"batch"`
	Seconds       float64     `json:"seconds"`         // of the load
	AcceptedRate  float64     `json:"accepted_rate"`   // texts a second answered with 202, durable
	EndToEndRate  float64     `json:"end_to_end_rate"` // texts a second from the first accepted to the last dispatched
	RequestMS     percentiles `json:"request_ms"`      // of a request, as the client sees it
	ToProviderMS  percentiles `json:"to_provider_ms"`  // from accepted to dispatched, in the log
	LeftAfterLoad float64     `json:"drain_seconds"`   // from the end of the load to the last dispatched
}

// percentiles of a distribution.
type percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func newBenchResult(b benchCommand, load *benchLoad, history *benchHistory) benchResult {
	r := benchResult{
		Texts: load.accepted, Concurrency: b.Concurrency, Batch: b.Batch, Seconds: load.took.Seconds(),
		AcceptedRate: float64(load.accepted) / load.took.Seconds(), RequestMS: percentilesOf(load.requests),
	}
	var first, last, lastAccepted time.Time
	var waits []time.Duration
	for id, at := range history.accepted {
		if first.IsZero() || at.Before(first) {
			first = at
		}
		lastAccepted = latest(lastAccepted, at)
		if done, ok := history.dispatched[id]; ok {
			waits = append(waits, done.Sub(at))
			last = latest(last, done)
		}
	}
	r.ToProviderMS = percentilesOf(waits)
	if span := last.Sub(first).Seconds(); span > 0 {
		r.EndToEndRate = float64(len(waits)) / span
	}
	r.LeftAfterLoad = max(0, last.Sub(lastAccepted).Seconds())
	return r
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func percentilesOf(all []time.Duration) percentiles {
	if len(all) == 0 {
		return percentiles{}
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	return percentiles{P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: at(1)}
}

// print writes the figures for people, or as JSON.
func (r benchResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(w, r)
	}
	_, err := fmt.Fprintf(w, `texts        %d in %.1f s, %d requests at once, %d text(s) in each
accepted     %.0f a second, durable before the answer
end to end   %.0f a second, until the provider had them; the last %.2f s after the load
             %8s %8s %8s %8s
request      %8.1f %8.1f %8.1f %8.1f ms
to provider  %8.1f %8.1f %8.1f %8.1f ms
`, r.Texts, r.Seconds, r.Concurrency, r.Batch, r.AcceptedRate, r.EndToEndRate, r.LeftAfterLoad,
		"p50", "p95", "p99", "max",
		r.RequestMS.P50, r.RequestMS.P95, r.RequestMS.P99, r.RequestMS.Max,
		r.ToProviderMS.P50, r.ToProviderMS.P95, r.ToProviderMS.P99, r.ToProviderMS.Max)
	return err
}
