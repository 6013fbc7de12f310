package commands

import (
	"context"
	"crypto/cipher"
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// Load implements ports.EventStore.
func (s *Sealer) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	recorded, err := s.EventStore.Load(ctx, streamID)
	if err != nil {
		return nil, err
	}
	return recorded, s.unseal(ctx, recorded)
}

// LoadMany implements ports.EventStore.
func (s *Sealer) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	streams, err := s.EventStore.LoadMany(ctx, streamIDs)
	if err != nil {
		return nil, err
	}
	all := make([][]events.Recorded, 0, len(streams))
	for _, recorded := range streams {
		all = append(all, recorded)
	}
	return streams, s.unseal(ctx, all...)
}

// Read implements ports.EventStore.
func (s *Sealer) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := s.EventStore.Read(ctx, position, limit)
	if err != nil {
		return nil, err
	}
	return page, s.unseal(ctx, page)
}

// Unseal replaces sealed values by their plain text, and by events.Erased where a key
// is gone. It reads missing keys in one call.
func (s *Sealer) Unseal(ctx context.Context, fields ...events.Field) error {
	s.init()
	_, err := s.open(ctx, fields)
	return err
}

// unseal makes the events of streams readable in place: their Data, and their RawData
// as it would be without sealing. Digests stay those of the stored form.
func (s *Sealer) unseal(ctx context.Context, streams ...[]events.Recorded) error {
	s.init()
	type sealed struct {
		recorded *events.Recorded
		fields   int // of the event
		changed  func() events.Event
	}
	var found []sealed
	var all []events.Field
	for _, recorded := range streams {
		for i := range recorded {
			if fields, changed := events.Fields(recorded[i].StreamID, recorded[i].Data); anySealed(fields) {
				found = append(found, sealed{&recorded[i], len(fields), changed})
				all = append(all, fields...)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	erased, err := s.open(ctx, all)
	if err != nil {
		return fmt.Errorf("unsealing: %w", err)
	}
	for _, f := range found {
		for _, gone := range erased[:f.fields] {
			f.recorded.Erased = f.recorded.Erased || gone
		}
		erased = erased[f.fields:]
		f.recorded.Data = f.changed()
		if f.recorded.RawData, f.recorded.Schema, err = events.Encode(f.recorded.Data); err != nil {
			return fmt.Errorf("unsealing position %d: %w", f.recorded.Position, err)
		}
	}
	return nil
}

func anySealed(fields []events.Field) bool {
	for _, f := range fields {
		if f.Value.Sealed() {
			return true
		}
	}
	return false
}

// open unseals fields and tells which of them are gone.
func (s *Sealer) open(ctx context.Context, fields []events.Field) (erased []bool, err error) {
	erased = make([]bool, len(fields))
	parts := make([]events.Sealed, len(fields))
	var names []string
	for i, f := range fields {
		if !f.Value.Sealed() {
			continue
		}
		parts[i], _ = f.Value.Parts() // damaged, it names no key
		names = append(names, subjectPrefix+parts[i].Subject)
		if parts[i].Day != "" {
			names = append(names, dayPrefix+parts[i].Day)
		}
	}
	if len(names) == 0 {
		return erased, nil
	}
	keys, err := s.keys.read(ctx, names, false)
	if err != nil {
		return nil, err
	}
	opener := opener{keys: keys, ciphers: map[string]cipher.AEAD{}}
	for i, f := range fields {
		if f.Value.Sealed() {
			plain, ok := opener.open(f, parts[i])
			if *f.Value, erased[i] = events.Plain(plain), !ok; !ok {
				*f.Value = events.Erased
			}
		}
	}
	return erased, nil
}

// opener opens values by the keys that are there.
type opener struct {
	keys    map[string][]byte
	ciphers map[string]cipher.AEAD // by subject and day: making one takes longer than using it
}

func (o opener) open(f events.Field, part events.Sealed) (string, bool) {
	aead := o.ciphers[part.Subject+" "+part.Day]
	if aead == nil {
		key := o.keys[subjectPrefix+part.Subject]
		if key == nil {
			return "", false
		}
		var err error
		if part.Day != "" {
			day := o.keys[dayPrefix+part.Day]
			if day == nil {
				return "", false
			}
			if key, err = bodyKey(key, day); err != nil {
				return "", false
			}
		}
		if aead, err = valueCipher(key); err != nil {
			return "", false
		}
		o.ciphers[part.Subject+" "+part.Day] = aead
	}
	return openValue(aead, f.Stream, f.Name, part.Sealed)
}
