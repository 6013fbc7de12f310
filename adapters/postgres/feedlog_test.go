package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
)

func TestTheEndOfAFeedIsNoError(t *testing.T) {
	var out bytes.Buffer
	log := newFeedLog(slog.New(slog.NewTextHandler(&out, nil)))
	ended := fmt.Errorf("could not query message: %w", context.Canceled)
	log.Error("consumer", ended, nil)
	log.Error("could not rollback", errors.New("conn closed"), watermill.LogFields{"query_err": ended})
	if out.Len() > 0 {
		t.Errorf("an operator is told:\n%s", out.String())
	}
	log.Error("could not rollback", errors.New("conn closed"), watermill.LogFields{"query_err": errors.New("syntax")})
	if !strings.Contains(out.String(), "level=ERROR") {
		t.Errorf("an operator is not told of an error: %s", out.String())
	}
}
