package redis_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/adapters/redis"
)

// The library has one logger: what comes here does not go to standard error.
func TestWhatTheLibrarySaysIsInOurLogAndHasNoPassword(t *testing.T) {
	var log bytes.Buffer
	client := open(t, redis.Config{
		URL: "redis://:hunter2@127.0.0.1:1", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if client.Ping(t.Context()) == nil {
		t.Fatal("nothing listens there")
	}
	if !strings.Contains(log.String(), "level=DEBUG msg=redis") || strings.Contains(log.String(), "hunter2") {
		t.Errorf("in the log: %s", log.String())
	}
}
