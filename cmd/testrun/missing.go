package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// missing prints the names of the servers that do not answer. One that the
// environment names has to answer: if not, that is an error.
func missing(ctx context.Context, out io.Writer) error {
	var named []error
	for _, s := range servers.All() {
		_, _, err := s.Find(ctx)
		if err == nil {
			continue
		}
		if _, ok := s.URL(); ok {
			named = append(named, fmt.Errorf("%s: %w", s.Variable, err))
		}
		if _, err := fmt.Fprintln(out, s.Name); err != nil {
			return err
		}
	}
	return errors.Join(named...)
}
