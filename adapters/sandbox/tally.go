package sandbox

import (
	"context"
	"net/http"
)

// Records are what the sender says of all texts.
type Records struct {
	Accepted int64 // it has answered for them, whatever became of them since
	Open     int64 // of these, not sent yet, or it is not known whether
	Sent     int64 // of these, taken on by the carrier
	Missing  int64 // it has answered for them, and knows nothing of them any more
}

// Tally is how the carrier's ledger and the sender's records agree.
type Tally struct {
	Accepted  int64 `json:"accepted"`  // texts that the sender has answered for; without its records, that the carrier took on
	Open      int64 `json:"open"`      // of these, still on their way to the carrier
	Delivered int   `json:"delivered"` // of the newest in the ledger
	Unsent    int64 `json:"unsent"`    // of those accepted: the sender gave them up, or was not to send them
	Failed    int   `json:"failed"`    // of the newest in the ledger: the handset will not get it
	Lost      int64 `json:"lost"`      // sent by the sender's records and not in the ledger, or answered for and gone
	Doubled   int64 `json:"doubled"`   // acceptances beyond the first of a text
	Compared  bool  `json:"compared"`  // with the sender's records, so that Lost is known
	All       bool  `json:"all"`       // the ledger still has all texts, so that nothing above is of the newest only
}

// Compare lets the tally hold the ledger against the sender's own records.
func (s *Sandbox) Compare(records func(ctx context.Context) (Records, error)) {
	s.records.Store(&records)
}

// Tally returns it as it stands.
func (s *Sandbox) Tally(ctx context.Context) Tally {
	counts, delivered, failed := s.ledger.ends()
	t := Tally{Accepted: counts.Accepted - counts.Duplicates, Delivered: delivered, Failed: failed, Doubled: counts.Duplicates, All: counts.Forgotten == 0}
	records := s.records.Load()
	if records == nil {
		return t
	}
	said, err := (*records)(ctx)
	if err != nil {
		return t
	}
	// Read before the sender's records, the ledger would miss what came between.
	counts, t.Delivered, t.Failed = s.ledger.ends()
	t.Doubled, t.Compared = counts.Duplicates, true
	t.Unsent = max(0, said.Accepted-said.Open-said.Sent-said.Missing)
	t.Accepted, t.Open, t.Lost = said.Accepted, said.Open, said.Missing+max(0, said.Sent-(counts.Accepted-counts.Duplicates))
	return t
}

func (s *Sandbox) getTally(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, s.Tally(r.Context()))
}

// Took reports whether the carrier has taken on the text with the sender's id, and
// has not forgotten it.
func (s *Sandbox) Took(id string) bool {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.byID[id] > 0
}

// ends returns the counts, and how many of the texts kept have arrived or failed.
func (l *ledger) ends() (counts Counts, delivered, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.order[l.start:] {
		switch m.Status {
		case "delivered", "read":
			delivered++
		case "undelivered", "failed":
			failed++
		}
	}
	return l.counts, delivered, failed
}
