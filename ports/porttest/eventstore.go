package porttest

import (
	"testing"

	"github.com/pro-sms/prosms/ports"
)

// EventStore holds the store that open returns, empty and private to each law,
// to the laws of ports.EventStore.
func EventStore(t *testing.T, open func(*testing.T) ports.EventStore) {
	for _, law := range []struct {
		name  string
		check func(*testing.T, ports.EventStore)
	}{
		{"an unknown stream is empty", unknownStreamIsEmpty},
		{"an empty log has no head", emptyLogHasNoHead},
		{"what was appended is read back the same and in order", readBackTheSame},
		{"text is kept byte for byte", textIsKept},
		{"versions go on from append to append", versionsGoOn},
		{"a log is read page by page", readPageByPage},
		{"a call without writes commits nothing", noWritesNoCommit},
		{"a write without events commits nothing of its call", noEventsNoCommit},

		{"a stale write is refused alone", staleWriteIsRefusedAlone},
		{"a call whose writes are all refused commits nothing", allRefusedNoCommit},
		{"a second write to a stream in one call is refused alone", secondWriteIsRefusedAlone},
		{"a write whose required stream has moved is refused alone", movedRequirementIsRefusedAlone},
		{"a write that requires a stream written earlier in its call is refused alone", requirementInCallIsRefusedAlone},

		{"positions are gapless under concurrent writers and conflicts", positionsAreGapless},
		{"a polling reader never sees a later position before an earlier one", readersNeverSkip},
		{"one of two concurrent appends at one version wins", oneOfTwoWins},
		{"recorded_at never decreases and is one for a commit", recordedAtNeverDecreases},

		{"digests and links verify from the first commit to the head", chainVerifies},
		{"one changed byte anywhere is located", changedByteIsLocated},

		{"a canceled context writes nothing", canceledWritesNothing},
		{"the log's change is announced after an append", changeIsAnnounced},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.check(t, open(t))
		})
	}
}
