package sandbox

import "context"

// tally is how the carrier's ledger and the sender's records agree.
type tally struct {
	Accepted  int64 // texts the carrier took on, each once
	Delivered int   // of the newest
	Failed    int   // of the newest: the handset will not get it
	Lost      int64 // the sender says that they were sent, and the ledger has none
	Doubled   int64 // acceptances beyond the first of a text
	Compared  bool  // Lost is known
	All       bool  // the ledger still has all texts, so that nothing above is of the newest only
}

// Compare lets the phone page hold the ledger against the sender's own count of
// texts that the carrier has taken on.
func (s *Sandbox) Compare(sent func(ctx context.Context) (int64, error)) { s.sent.Store(&sent) }

func (s *Sandbox) tally(ctx context.Context) tally {
	counts, delivered, failed := s.ledger.ends()
	t := tally{Accepted: counts.Accepted - counts.Duplicates, Delivered: delivered, Failed: failed, Doubled: counts.Duplicates, All: counts.Forgotten == 0}
	if sent := s.sent.Load(); sent != nil {
		if n, err := (*sent)(ctx); err == nil {
			// Read before the sender's count, the ledger would miss what came between.
			counts, _, _ = s.ledger.ends()
			t.Lost, t.Compared = max(0, n-(counts.Accepted-counts.Duplicates)), true
		}
	}
	return t
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
