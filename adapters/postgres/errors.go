package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pro-sms/prosms/ports"
)

// unavailable returns err, wrapping ports.ErrUnavailable too if it means that the
// server cannot be reached or cannot work just now. A deadline that passed means
// that as well; a context that was canceled does not.
func unavailable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ports.ErrUnavailable) || !isOutage(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ports.ErrUnavailable, err)
}

// unavailableAtStart is unavailable for who connects for the first time: a login that
// is refused is a fault of the configuration, which waiting does not cure.
func unavailableAtStart(err error) error {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && isLoginCode(answer.Code) {
		return err
	}
	return unavailable(err)
}

func isOutage(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return isOutageCode(answer.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

// isOutageCode knows the SQLSTATE classes and codes with which a server says that
// it cannot work: https://www.postgresql.org/docs/15/errcodes-appendix.html
func isOutageCode(code string) bool {
	switch code {
	case "57P01", // admin_shutdown
		"57P02", // crash_shutdown
		"57P03", // cannot_connect_now
		"25006": // read_only_sql_transaction: the server has become a standby
		return true
	}
	class := code[:min(2, len(code))]
	return isLoginCode(code) || class == "08" || class == "53" || class == "58" // connection exception, insufficient resources, system error
}

// isLoginCode knows class 28, invalid authorization. Of a database that was open
// before, it says that its secret is changing: see Config.Login.
func isLoginCode(code string) bool { return code[:min(2, len(code))] == "28" }
