package ports

import "context"

// Leader sees to it that a role runs in one instance at a time.
type Leader interface {
	// Lead waits until role is free, runs run, and gives the role up when run
	// returns. The ctx of run ends when ctx does or the role is lost. It returns
	// run's error.
	Lead(ctx context.Context, role string, run func(ctx context.Context) error) error
}
