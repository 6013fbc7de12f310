package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"time"
)

// Worker is the process that sends the texts which the phone shows, as far as the
// page has a hand in it. It is safe for concurrent use; whoever implements it calls
// Changed when its state is another.
type Worker interface {
	// State returns what to show, at once.
	State() WorkerState
	// Kill ends the process as kill -9 does. The error says that there is none.
	Kill() error
	// Burst begins to have some hundred texts sent within seconds, unless some still
	// are. The error says why it does not.
	Burst() error
}

// WorkerState is how a worker stands.
type WorkerState struct {
	Up      bool          // it takes requests
	Process int           // its number; 0: there is none
	Ends    int           // how often it has ended and was not asked to
	Back    time.Duration // from the last end until it took requests again; 0: not yet
	Pause   time.Duration // until it is started again, when it keeps ending; 0: it is being started
	Burst   int           // texts of the burst that are still to be handed over
}

// BackSeconds is Back as a reader wants it.
func (s WorkerState) BackSeconds() string { return fmt.Sprintf("%.1f", s.Back.Seconds()) }

// PauseSeconds is Pause as a reader wants it.
func (s WorkerState) PauseSeconds() string { return fmt.Sprintf("%.0f", math.Ceil(s.Pause.Seconds())) }

// Changed has the pages that follow drawn anew.
func (s *Sandbox) Changed() { s.changed.raise() }

// postWorker does what the form says to the worker.
func (s *Sandbox) postWorker(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err != nil || s.config.Worker == nil {
		http.Error(w, "there is no worker, or no form", http.StatusBadRequest)
		return
	}
	switch form.Get("do") {
	case "kill":
		err = s.config.Worker.Kill()
	case "burst":
		err = s.config.Worker.Burst()
	default:
		http.Error(w, "kill or burst", http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	http.Redirect(w, r, back(form), http.StatusSeeOther)
}
