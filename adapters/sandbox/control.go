package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// putScript adds the fault, or the list of faults, in the body.
func (s *Sandbox) putScript(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		http.Error(w, "reading script: too large", http.StatusRequestEntityTooLarge)
		return
	}
	if body = bytes.TrimSpace(body); !bytes.HasPrefix(body, []byte("[")) {
		body = append(append([]byte("["), body...), ']')
	}
	var faults []Fault
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(&faults)
	if err == nil {
		err = s.Script(faults...)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) getScript(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Faults())
}

func (s *Sandbox) clearScript(w http.ResponseWriter, _ *http.Request) {
	s.ClearScript()
	w.WriteHeader(http.StatusNoContent)
}

// Ledger is what GET /_sandbox/ledger shows.
type Ledger struct {
	Counts
	Repeated map[string]int `json:"repeated"` // acceptances by message id, where more than one, among those kept
	Entries  []Message      `json:"entries"`  // in the order of acceptance
	Next     int64          `json:"next"`     // ?after= of the following entries
}

// Ledger returns up to limit of the messages accepted after the first after.
func (s *Sandbox) Ledger(after int64, limit int) Ledger {
	l := Ledger{Counts: s.ledger.snapshot(), Repeated: s.ledger.acceptances()}
	l.Entries, l.Next = s.ledger.entries(after, limit)
	return l
}

// getLedger shows the counts and entries; ?after=&limit= page through the latter.
func (s *Sandbox) getLedger(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	l := s.Ledger(int64(number(q, "after", 0, 0, 1<<40)), number(q, "limit", 1000, 0, s.config.Keep))
	if l.Entries == nil {
		l.Entries = []Message{}
	}
	writeJSON(w, http.StatusOK, l)
}

// getCount shows how many creates were taken on, as a plain number.
func (s *Sandbox) getCount(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = fmt.Fprintln(w, s.ledger.snapshot().Accepted)
}
