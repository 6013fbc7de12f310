package commands

import (
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Fresh holds the texts that were accepted by this process until they are claimed for
// the first time, moments later: that claim reads no stream. It need not know what has
// become of a text meanwhile: who claims one that has moved is refused by the log, and
// reads it then. It is safe for concurrent use; a nil Fresh holds nothing.
type Fresh struct{ texts lru[events.Recorded] }

// NewFresh returns one that holds limit texts at most, which are some 2 KB each. Those
// accepted first go first.
func NewFresh(limit int) *Fresh { return &Fresh{lru[events.Recorded]{limit: limit}} }

// keep holds the text that w has begun. One that is to be sent later is not held.
func (f *Fresh) keep(w ports.Write, text events.MessageAccepted, result ports.Result) {
	if f == nil || text.SendAt != nil {
		return
	}
	f.texts.put(w.StreamID, events.Recorded{
		Position: result.FirstPosition, StreamID: w.StreamID, Version: result.Version, Type: text.EventType(),
		Data: text, Meta: w.Meta, RecordedAt: result.RecordedAt,
	})
}

// take returns the streams of those texts that are held and asked for the first time, and
// the ids of the others, which are to be read. It holds none of them any longer: whose
// first attempt was another instance's, or was quicker than keep, has moved since.
func (f *Fresh) take(work []ports.Work) (streams map[string][]events.Recorded, others []string) {
	streams = make(map[string][]events.Recorded, len(work))
	for _, w := range work {
		if text, ok := f.held(w.MessageID); ok && w.Attempt == 1 {
			streams[w.MessageID] = []events.Recorded{text}
		} else if streams[w.MessageID] == nil {
			others = append(others, w.MessageID)
		}
	}
	return streams, others
}

// held returns the text of an id and holds it no longer.
func (f *Fresh) held(id string) (events.Recorded, bool) {
	if f == nil {
		return events.Recorded{}, false
	}
	return f.texts.take(id)
}
