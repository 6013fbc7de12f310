package projections

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// proofRows bounds how many rows of one commit are hashed for a Proof.
const proofRows = 2000

// Proof is what the hashes say of an event.
type Proof struct {
	Position int64
	Digest   bool // the row is as it was written
	Linked   bool // so are all rows of its commit, and the commit follows the one before
	Skipped  bool // the commit is too large to be hashed here
	Commit   ports.Commit
}

// Holds reports whether nothing speaks against the event.
func (p Proof) Holds() bool { return p.Digest && (p.Linked || p.Skipped) }

// Prove computes the hashes of a stream and of its commits again, as they are stored:
// that recorded may be unsealed does not matter.
func (o Oversight) Prove(ctx context.Context, recorded []events.Recorded) ([]Proof, error) {
	if len(recorded) == 0 {
		return nil, nil
	}
	stored, err := o.Queries.AsStored().Load(ctx, recorded[0].StreamID)
	if err != nil {
		return nil, fmt.Errorf("loading stream %s: %w", recorded[0].StreamID, err)
	}
	proofs := make([]Proof, len(recorded))
	var last Proof
	for i, e := range recorded {
		if last.Commit.LastPosition < e.Position || last.Commit.FirstPosition > e.Position {
			var err error
			if last, err = o.proveCommit(ctx, e.Position); err != nil {
				return nil, err
			}
		}
		proofs[i] = last
		proofs[i].Position = e.Position
		if e.Version <= len(stored) {
			row := stored[e.Version-1]
			proofs[i].Digest = row.Digest == e.Digest && row.ComputeDigest() == row.Digest
		}
	}
	return proofs, nil
}

// proveCommit hashes the commit of a position.
func (o Oversight) proveCommit(ctx context.Context, position int64) (Proof, error) {
	store := o.Queries.AsStored()
	commits, err := store.Commits(ctx, position-1, 1)
	if err != nil {
		return Proof{}, fmt.Errorf("loading the commit of position %d: %w", position, err)
	}
	if len(commits) == 0 || commits[0].FirstPosition > position {
		return Proof{}, nil
	}
	commit := commits[0]
	if commit.LastPosition-commit.FirstPosition >= proofRows {
		return Proof{Commit: commit, Skipped: true}, nil
	}
	var before events.Hash
	if commit.FirstPosition > 1 {
		previous, err := store.Commits(ctx, commit.FirstPosition-2, 1)
		if err != nil || len(previous) == 0 {
			return Proof{Commit: commit}, err
		}
		before = previous[0].Link
	}
	rows, err := store.Read(ctx, commit.FirstPosition-1, int(commit.LastPosition-commit.FirstPosition+1))
	if err != nil {
		return Proof{}, fmt.Errorf("reading the commit of position %d: %w", position, err)
	}
	digests := make([]events.Hash, len(rows))
	for i, row := range rows {
		digests[i] = row.ComputeDigest()
	}
	return Proof{Commit: commit, Linked: events.Link(before, digests...) == commit.Link}, nil
}
