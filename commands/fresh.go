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

// take returns the streams of the texts that are held, and holds them no longer.
func (f *Fresh) take(ids []string) (streams map[string][]events.Recorded, others []string) {
	streams = make(map[string][]events.Recorded, len(ids))
	if f == nil {
		return streams, ids
	}
	for _, id := range ids {
		if text, ok := f.texts.take(id); ok {
			streams[id] = []events.Recorded{text}
		} else if streams[id] == nil {
			others = append(others, id)
		}
	}
	return streams, others
}
