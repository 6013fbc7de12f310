package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestABenchSendsItsTextsAndSaysHowItWent(t *testing.T) {
	for _, args := range [][]string{{"--texts", "150"}, {"--texts", "150", "--batch", "40", "--lane", "high"}} {
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), process{Args: append([]string{"bench", "--json"}, args...), Stdout: &stdout, Stderr: &stderr})
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, stderr.String())
		}
		var got benchResult
		if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
			t.Fatalf("%v\n%s", err, stdout.String())
		}
		if got.Texts != 150 || got.AcceptedRate <= 0 || got.EndToEndRate <= 0 {
			t.Errorf("%v: %+v", args, got)
		}
		for _, p := range []percentiles{got.RequestMS, got.ToProviderMS} {
			if p.P50 <= 0 || p.P50 > p.P95 || p.P95 > p.P99 || p.P99 > p.Max {
				t.Errorf("%v: percentiles %+v", args, p)
			}
		}
		if strings.Contains(stderr.String(), "level=ERROR") {
			t.Errorf("it logs errors:\n%s", stderr.String())
		}
	}
}

func TestPercentilesAreThoseOfTheSortedTimes(t *testing.T) {
	var all []time.Duration
	for i := range 101 {
		all = append(all, time.Duration(100-i)*time.Millisecond)
	}
	if got, want := percentilesOf(all), (percentiles{P50: 50, P95: 95, P99: 99, Max: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
