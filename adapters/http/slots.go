package api

import "context"

// slots bounds how much is done at once.
type slots chan struct{}

// tryTake takes a slot if one is free.
func (s slots) tryTake() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// take waits for a slot, or for ctx.
func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errOverloaded
	}
}

// free gives a slot back.
func (s slots) free() { <-s }
