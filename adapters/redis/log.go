package redis

import (
	"context"
	"fmt"
	"log/slog"
)

// library is the logger of go-redis, which has one for the whole process and
// otherwise writes a line for every failed connection to the standard error. That
// Redis is gone is said by the errors of commands and by readiness; these lines are
// for whoever looks for the reason. They name hosts and never passwords.
type library struct{ log *slog.Logger }

// Printf implements the logger of go-redis.
func (l library) Printf(ctx context.Context, format string, args ...any) {
	if l.log != nil && l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "redis", "says", fmt.Sprintf(format, args...))
	}
}
