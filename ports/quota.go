package ports

import (
	"context"
	"time"
)

// Quota counts what is used up of allowances. It is safe for concurrent use and
// obeys porttest.Quota.
type Quota interface {
	// Use takes each of wanted, in order, of which the allowance has enough left;
	// what does not fit takes nothing. An error means that it is not known what was taken.
	Use(ctx context.Context, a Allowance, wanted []Usage) ([]bool, error)

	// Return gives back what Use has taken and was not needed. Nothing that is not
	// counted any more is counted for it.
	Return(ctx context.Context, a Allowance, unneeded Usage) error

	// Add counts what was taken elsewhere since a time, fits or not; nothing where
	// the count is unknown or began after that time, since Used then has it.
	Add(ctx context.Context, a Allowance, taken Usage, since time.Time) error
}

// Usage is a number of messages and of their segments.
type Usage struct{ Messages, Segments int64 }

// Plus returns the sum.
func (u Usage) Plus(v Usage) Usage { return Usage{u.Messages + v.Messages, u.Segments + v.Segments} }

// Minus returns the difference.
func (u Usage) Minus(v Usage) Usage { return Usage{u.Messages - v.Messages, u.Segments - v.Segments} }

// Within reports whether u is at most limit. Zero of a limit is none.
func (u Usage) Within(limit Usage) bool {
	return (limit.Messages == 0 || u.Messages <= limit.Messages) && (limit.Segments == 0 || u.Segments <= limit.Segments)
}

// Allowance is how much may be used under one key.
type Allowance struct {
	Key   string
	Limit Usage     // zero of either: any number
	Until time.Time // when the count may be forgotten
	// Used returns what was used before anything was counted here: a count that
	// was lost, with a process or a cache, goes on from it. Its error is Use's.
	Used func(context.Context) (Usage, error)
}
