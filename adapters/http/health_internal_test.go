package api

import (
	"context"
	"errors"
	"log/slog"
	"testing"
)

// The end of a check ends its context too: whoever waits sees both at once.
func TestWhatACheckAnsweredIsNeverLost(t *testing.T) {
	answer := errors.New("an answer")
	h := newHealth([]Check{{Name: "store", Func: func(context.Context) error { return answer }}}, slog.New(slog.DiscardHandler))
	for i := range 20_000 {
		if err := h.run(t.Context(), 0); err != answer {
			t.Fatalf("check %d: %v", i, err)
		}
	}
}
