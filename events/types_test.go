package events

import (
	"strings"
	"testing"
)

func TestATypeThatDoesNotExistIsRefusedByWhatDoes(t *testing.T) {
	for _, name := range []string{"message", "message.delivered", "log", "receipt.unknown"} {
		if err := CheckType(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"message.delivred": "message.deferred, message.delivered, message.discarded",
		"message.":         "message.delivered",
		"mesage.delivered": "begin with breaker, consent, fuse, inbound, key, log, message,",
		"":                 "begin with breaker",
	} {
		if err := CheckType(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", name, err, want)
		}
	}
}
