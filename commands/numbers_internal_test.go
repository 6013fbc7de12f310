package commands

import (
	"fmt"
	"testing"

	"github.com/pro-sms/prosms/domain/phone"
)

func TestNumbersAreRememberedAndNoMoreThanThere(t *testing.T) {
	var s numbers
	for i := range 3 * maxNumbers {
		raw := fmt.Sprintf("Shop %d", i)
		for range 2 {
			if got, err := s.parse(raw, phone.ParseSender); err != nil || got != raw {
				t.Fatalf("%s is read as %s, %v", raw, got, err)
			}
		}
		if len(s.known) > maxNumbers {
			t.Fatalf("%d numbers are remembered", len(s.known))
		}
	}
	before := len(s.known)
	if _, err := s.parse("no sender at all", phone.ParseSender); err == nil || len(s.known) != before {
		t.Errorf("what is refused: %v, and %d are remembered instead of %d", err, len(s.known), before)
	}
	if got, err := s.parse("+1 (415) 555-0123", phone.ParseSender); err != nil || got != "+14155550123" || s.known["+1 (415) 555-0123"] != got {
		t.Errorf("a number is read as %s, %v", got, err)
	}
}
