package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	sampleWait    = 2 * time.Second  // of a scrape for a gauge
	sampleTimeout = 20 * time.Second // of reading it
	sampleFresh   = 5 * time.Second  // how long what was read is as good as new
	sampleStale   = time.Minute      // and how long better than nothing, while reading takes long
)

// Gauge is what is read when somebody scrapes.
type Gauge struct {
	Name, Help string
	Label      string // empty: there is one value, under the key ""
	// Read returns the values by label. A scrape waits for it no longer than 2 s, and
	// then takes what was read last, within a minute. It is asked once in 5 s, however
	// many scrape.
	Read func(context.Context) (map[string]float64, error)
}

// Sample registers gauges, before anything is served. One that cannot be read is
// absent from a scrape and counted in metrics_sample_errors_total; the scrape
// itself neither fails nor waits.
func (m *Metrics) Sample(gauges ...Gauge) {
	for _, g := range gauges {
		var labels []string
		if g.Label != "" {
			labels = []string{g.Label}
		}
		m.sampleErrors.WithLabelValues(g.Name)
		m.register(g.Name, &sampler{
			Gauge: g, metrics: m, desc: prometheus.NewDesc(g.Name, g.Help, labels, nil),
		})
	}
}

// sampler is the prometheus.Collector of a Gauge.
type sampler struct {
	Gauge
	metrics *Metrics
	desc    *prometheus.Desc

	mu      sync.Mutex
	reading chan struct{} // closed when the read under way has ended; nil: none is
	readAt  time.Time
	values  map[string]float64
	err     error
}

var errSlow = errors.New("reading takes too long")

// Describe implements prometheus.Collector.
func (s *sampler) Describe(descs chan<- *prometheus.Desc) { descs <- s.desc }

// Collect implements prometheus.Collector.
func (s *sampler) Collect(out chan<- prometheus.Metric) {
	values, err := s.sample()
	if err != nil {
		s.metrics.sampleErrors.WithLabelValues(s.Name).Inc()
		s.metrics.log.Warn("reading a metric", "metric", s.Name, "error", err)
		return
	}
	for label, value := range values {
		var labels []string
		if s.Label != "" {
			labels = []string{label}
		}
		out <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, value, labels...)
	}
}

// sample returns what was read not long ago, or reads. One read at a time is under
// way, so that a server that hangs holds one goroutine.
func (s *sampler) sample() (map[string]float64, error) {
	s.mu.Lock()
	if !s.readAt.IsZero() && time.Since(s.readAt) < sampleFresh {
		defer s.mu.Unlock()
		return s.values, s.err
	}
	reading := s.reading
	if reading == nil {
		reading = make(chan struct{})
		s.reading = reading
		go s.read(reading)
	}
	s.mu.Unlock()

	limit := time.NewTimer(sampleWait)
	defer limit.Stop()
	late := false
	select {
	case <-reading:
	case <-limit.C:
		late = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if late && (s.readAt.IsZero() || time.Since(s.readAt) > sampleStale) {
		return nil, errSlow
	}
	return s.values, s.err
}

func (s *sampler) read(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), sampleTimeout)
	defer cancel()
	values, err := s.Read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values, s.err, s.readAt, s.reading = values, err, time.Now(), nil
	close(done)
}
