package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// deadlines bounds every statement but the unhurried, whoever runs it and with
// whatever ctx. Without it a connection whose other end has gone without a word, or
// that some firewall has forgotten, holds its caller until TCP gives up, a quarter of
// an hour later: a subscription that claims, the feed, a projection.
//
// It is a pgx.QueryTracer, since pgx goes on with the context that a tracer
// returns: so it reaches watermill-sql's statements, too.
type deadlines struct{ timeout time.Duration }

type (
	cancelKey    struct{}
	unhurriedKey struct{}
)

// unhurried lets a statement take its time, which grows with a table. That nobody is at
// the other end any more is then found out by TCP alone.
func unhurried(ctx context.Context) context.Context {
	return context.WithValue(ctx, unhurriedKey{}, true)
}

// TraceQueryStart implements pgx.QueryTracer.
func (d deadlines) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if ctx.Value(unhurriedKey{}) != nil {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	return context.WithValue(ctx, cancelKey{}, cancel)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (deadlines) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
		cancel()
	}
}
