package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pro-sms/prosms/ports"
)

func TestOutagesAreToldFromOtherErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		outage bool
	}{
		{"none", nil, false},
		{"shut down", &pgconn.PgError{Code: "57P01"}, true},
		{"starting up", &pgconn.PgError{Code: "57P03"}, true},
		{"too many connections", &pgconn.PgError{Code: "53300"}, true},
		{"disk full", &pgconn.PgError{Code: "53100"}, true},
		{"standby", &pgconn.PgError{Code: "25006"}, true},
		{"connection failure", &pgconn.PgError{Code: "08006"}, true},
		{"unique violation", &pgconn.PgError{Code: "23505"}, false},
		{"no right", &pgconn.PgError{Code: "42501"}, false},
		{"connection cut", io.ErrUnexpectedEOF, true},
		{"connection reset", &net.OpError{Op: "read", Err: errors.New("reset")}, true},
		{"deadline", context.DeadlineExceeded, true},
		{"canceled", fmt.Errorf("timeout: %w", context.Canceled), false},
		{"no rows", pgx.ErrNoRows, false},
		{"our own mistake", errors.New("cannot encode"), false},
	} {
		got := unavailable(tt.err)
		if errors.Is(got, ports.ErrUnavailable) != tt.outage || !errors.Is(got, tt.err) {
			t.Errorf("%s: %v, want outage %t and the cause kept", tt.name, got, tt.outage)
		}
	}
}
