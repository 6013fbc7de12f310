package ports

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/pro-sms/prosms/events"
)

// maxMerged is how large a frame may become by merging, in bytes.
const maxMerged = 1 << 20

// IsEventFrame reports whether payload begins and ends as an EventFrame that is not
// merged of several.
func IsEventFrame(payload []byte) bool {
	_, ok := scanEnds(payload)
	return ok
}

// MergeEventFrames puts the first of payloads that join on into one, and says how many
// they are: 1 where there is nothing to merge. The result is read by DecodeEvents, and
// names where each of its parts ends, so that EventFrame.Of vouches for every part.
func MergeEventFrames(payloads [][]byte) (merged []byte, n int) {
	first, ok := scanEnds(payloads[0])
	if !ok {
		return payloads[0], 1
	}
	parts := []ends{first}
	for size := len(payloads[0]); len(parts) < len(payloads); {
		next, ok := scanEnds(payloads[len(parts)])
		size += len(next.events)
		if !ok || size > maxMerged || next.first != parts[len(parts)-1].last+1 {
			break
		}
		parts = append(parts, next)
	}
	if len(parts) == 1 {
		return payloads[0], 1
	}
	last := parts[len(parts)-1].last
	merged = fmt.Appendf(nil, `{"first":%d,"last":%d,"events":[`, first.first, last)
	for i, part := range parts {
		if i > 0 {
			merged = append(merged, ',')
		}
		merged = append(merged, part.events...)
	}
	merged = append(merged, `],"parts":[`...)
	for i, part := range parts {
		if i > 0 {
			merged = append(merged, ',')
		}
		merged = strconv.AppendInt(merged, part.last, 10)
	}
	return append(merged, `]}`...), len(parts)
}

// ends is a frame of which only the ends were read.
type ends struct {
	first, last int64
	events      []byte // without the brackets
}

// scanEnds reads the ends of a frame as the stores write it. What is between them
// DecodeEvents will read.
func scanEnds(payload []byte) (e ends, ok bool) {
	inner, ok := bytes.CutSuffix(payload, []byte(`}]}`))
	if !ok {
		return e, false
	}
	s := events.NewScan(payload[:len(inner)+1])
	e.first, e.last = scanRange(&s)
	s.Literal(`,"events":[`)
	e.events = s.Rest()
	return e, !s.Failed() && e.first > 0 && e.last >= e.first && len(e.events) > 0 && e.events[0] == '{'
}

// ofParts is Of for a merged frame: the end of each part is looked up, at once.
func (f EventFrame) ofParts(ctx context.Context, store EventStore) (bool, error) {
	ids := make([]string, len(f.parts))
	for i, e := range f.parts {
		ids[i] = e.StreamID
	}
	streams, err := store.LoadMany(ctx, ids)
	if err != nil {
		return false, fmt.Errorf("looking for the ends of events %d to %d: %w", f.First, f.Last, err)
	}
	for _, e := range f.parts {
		stream := streams[e.StreamID]
		if len(stream) < e.Version || stream[e.Version-1].Digest != e.Digest {
			return false, nil
		}
	}
	return true, nil
}
