package api

import (
	"bytes"
	"net/http"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

// FlightRecorder keeps the last seconds of the runtime's trace in memory, and hands
// them out when somebody asks what just happened: for go tool trace. The zero value
// does not record yet.
type FlightRecorder struct {
	recorder *trace.FlightRecorder
	asking   sync.Mutex // one snapshot at a time
}

// Start records until Stop; of at least ten seconds, in 16 MiB at the most.
func (f *FlightRecorder) Start() error {
	f.recorder = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 10 * time.Second, MaxBytes: 16 << 20})
	return f.recorder.Start()
}

// Stop ends the recording.
func (f *FlightRecorder) Stop() {
	if f.recorder != nil {
		f.recorder.Stop()
	}
}

// ServeHTTP answers with what was recorded.
func (f *FlightRecorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	f.asking.Lock()
	defer f.asking.Unlock()
	var recorded bytes.Buffer
	if f.recorder == nil || !f.recorder.Enabled() {
		http.Error(w, "not recording: PROSMS_FLIGHT_RECORDER starts it, /debug/pprof/trace records what is to come", http.StatusServiceUnavailable)
		return
	}
	if _, err := f.recorder.WriteTo(&recorded); err != nil {
		http.Error(w, "the recording cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="flight.trace"`)
	w.Header().Set("Content-Length", strconv.Itoa(recorded.Len()))
	_, _ = w.Write(recorded.Bytes())
}
