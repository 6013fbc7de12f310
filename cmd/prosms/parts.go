package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// named says in which part an error arose; the end of the run is none.
func named(part string, run func() error) func() error {
	return func() error {
		if err := run(); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", part, err)
		}
		return nil
	}
}

// stopTimeout bounds how long each part may take to come to rest.
const stopTimeout = 60 * time.Second

// within calls stop with a context that ends after stopTimeout.
func within(stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return stop(ctx)
}
