package events

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"time"
)

// Hash is a SHA-256 sum. Its text form is lower-case hex.
type Hash [sha256.Size]byte

// String returns 64 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns 64 hex digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits, with an optional \x before them as
// PostgreSQL prints bytea; anything else is an error.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) > 2 && text[0] == '\\' && text[1] == 'x' {
		text = text[2:]
	}
	if hex.DecodedLen(len(text)) != len(h) {
		return fmt.Errorf("reading hash: %d characters, want %d", len(text), 2*len(h))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// HashOf copies b, which must be 32 bytes long.
func HashOf(b []byte) (Hash, error) {
	if len(b) != sha256.Size {
		return Hash{}, fmt.Errorf("reading hash: %d bytes, want %d", len(b), sha256.Size)
	}
	return Hash(b), nil
}

// ContentDigest covers what the writer of an event knows: SHA-256 over stream
// id, version, type, schema, data and meta. Every field is preceded by its
// length as 8 bytes, big endian; numbers are 8 bytes, big endian.
func ContentDigest(streamID string, version int, eventType string, schema int, data, meta []byte) Hash {
	d := sha256.New()
	writeField(d, []byte(streamID))
	writeNumber(d, int64(version))
	writeField(d, []byte(eventType))
	writeNumber(d, int64(schema))
	writeField(d, data)
	writeField(d, meta)
	return Hash(d.Sum(nil))
}

// RowDigest covers the whole row: SHA-256 over the content digest, the position
// and recorded_at in microseconds since 1970, both 8 bytes, big endian. Stores
// compute it when they assign the two.
func RowDigest(content Hash, position int64, recordedAt time.Time) Hash {
	var b [sha256.Size + 16]byte
	copy(b[:], content[:])
	binary.BigEndian.PutUint64(b[sha256.Size:], uint64(position))
	binary.BigEndian.PutUint64(b[sha256.Size+8:], uint64(recordedAt.UnixMicro()))
	return sha256.Sum256(b[:])
}

// Link is the hash of a commit: SHA-256 over the previous commit's link (32 zero
// bytes before the first) and the digests of its rows in order of position.
func Link(previous Hash, digests ...Hash) Hash {
	d := sha256.New()
	d.Write(previous[:])
	for _, digest := range digests {
		d.Write(digest[:])
	}
	return Hash(d.Sum(nil))
}

// ComputeDigest returns what r.Digest must be.
func (r Recorded) ComputeDigest() Hash {
	content := ContentDigest(r.StreamID, r.Version, r.Type, r.Schema, r.RawData, r.RawMeta)
	return RowDigest(content, r.Position, r.RecordedAt)
}

func writeField(d hash.Hash, b []byte) {
	writeNumber(d, int64(len(b)))
	d.Write(b)
}

func writeNumber(d hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	d.Write(b[:])
}
