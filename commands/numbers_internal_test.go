package commands

import (
	"fmt"
	"testing"
)

func TestSendersAreRememberedAndNoMoreThanThere(t *testing.T) {
	var s senders
	for i := range 3 * maxSenders {
		raw := fmt.Sprintf("Shop %d", i)
		for range 2 {
			if got, err := s.parse(raw); err != nil || got != raw {
				t.Fatalf("%s is read as %s, %v", raw, got, err)
			}
		}
		if len(s.known) > maxSenders {
			t.Fatalf("%d senders are remembered", len(s.known))
		}
	}
	before := len(s.known)
	if _, err := s.parse("no sender at all"); err == nil || len(s.known) != before {
		t.Errorf("what is refused: %v, and %d are remembered instead of %d", err, len(s.known), before)
	}
	if got, err := s.parse("+1 (415) 555-0123"); err != nil || got != "+14155550123" || s.known["+1 (415) 555-0123"] != got {
		t.Errorf("a number is read as %s, %v", got, err)
	}
}
