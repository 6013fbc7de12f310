package ports

import (
	"context"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
)

// Sightings puts together what instances see of texts to the numbers of a block, until
// they make a sample. It is safe for concurrent use and obeys porttest.Sightings.
type Sightings interface {
	// Add adds what one instance has seen. It returns the samples that are complete
	// thereby, of s.Texts sightings each; their blocks begin anew. A number that a
	// block has already is not counted again. What was not complete within s.Window of
	// its first sighting is forgotten. After an error some of it may be counted.
	Add(ctx context.Context, s SampleSize, seen map[fuse.Block][]Sighting) (map[fuse.Block][]Sighting, error)
}

// SampleSize says when a sample is complete.
type SampleSize struct {
	Texts  int
	Window time.Duration
}

// Sighting is a text to a number.
type Sighting struct {
	Number    uint64 // a keyed hash of it
	MessageID string
}
