package commands

import (
	"cmp"
	"context"
	"crypto/cipher"
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// Load implements ports.EventStore.
func (s *Sealer) Load(ctx context.Context, streamID string) ([]events.Recorded, error) {
	recorded, err := s.EventStore.Load(ctx, streamID)
	if err = s.opened(ctx, err, recorded); fatal(err) != nil {
		return nil, err
	}
	return recorded, err
}

// LoadMany implements ports.EventStore.
func (s *Sealer) LoadMany(ctx context.Context, streamIDs []string) (map[string][]events.Recorded, error) {
	streams, err := s.EventStore.LoadMany(ctx, streamIDs)
	all := make([][]events.Recorded, 0, len(streams))
	for _, recorded := range streams {
		all = append(all, recorded)
	}
	if err = s.opened(ctx, err, all...); fatal(err) != nil {
		return nil, err
	}
	return streams, err
}

// Read implements ports.EventStore.
func (s *Sealer) Read(ctx context.Context, position int64, limit int) ([]events.Recorded, error) {
	page, err := s.EventStore.Read(ctx, position, limit)
	if err = s.opened(ctx, err, page); fatal(err) != nil {
		return nil, err
	}
	return page, err
}

// opened unseals what came along with err, and returns why there is nothing, or what
// of it cannot be read.
func (s *Sealer) opened(ctx context.Context, err error, streams ...[]events.Recorded) error {
	if fatal(err) != nil {
		return err
	}
	fault := s.unseal(ctx, streams...)
	if fatal(fault) != nil || err == nil {
		return fault
	}
	return err
}

// Unseal replaces sealed values by their plain text, and by events.Erased where a key
// is gone, or events.Unopened where it cannot be used. It reads missing keys in one call.
func (s *Sealer) Unseal(ctx context.Context, fields ...events.Field) error {
	s.init()
	_, faults, err := s.open(ctx, fields)
	for i, fault := range faults {
		if fault != nil {
			*fields[i].Value = events.Unopened
		}
	}
	return err
}

// Open makes what was read of the store beneath readable, as Read would have. It
// returns an error that wraps events.ErrUnreadable where some of it cannot be read.
func (s *Sealer) Open(ctx context.Context, recorded []events.Recorded) error {
	return s.unseal(ctx, recorded)
}

// unseal makes the events of streams readable in place: their Data, and their RawData
// as it would be without sealing. Digests stay those of the stored form.
func (s *Sealer) unseal(ctx context.Context, streams ...[]events.Recorded) error {
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
	s.init()
	erased, faults, err := s.open(ctx, all)
	if err != nil {
		return fmt.Errorf("unsealing: %w", err)
	}
	var unreadable error
	for _, f := range found {
		var fault error
		for i, gone := range erased[:f.fields] {
			f.recorded.Erased = f.recorded.Erased || gone
			fault = cmp.Or(fault, faults[i])
		}
		erased, faults = erased[f.fields:], faults[f.fields:]
		if fault != nil {
			fault = fmt.Errorf("position %d %w: %w", f.recorded.Position, events.ErrUnreadable, fault)
			f.recorded.Data, unreadable = events.Unreadable{Type: f.recorded.Type, Err: fault}, cmp.Or(unreadable, fault)
			continue
		}
		f.recorded.Data = f.changed()
		if f.recorded.RawData, f.recorded.Schema, err = events.Encode(f.recorded.Data); err != nil {
			return fmt.Errorf("unsealing position %d: %w", f.recorded.Position, err)
		}
	}
	return unreadable
}

func anySealed(fields []events.Field) bool {
	for _, f := range fields {
		if f.Value.Sealed() {
			return true
		}
	}
	return false
}

// open unseals fields and tells which of them are gone, and which stay sealed because
// a key that is there cannot be used.
func (s *Sealer) open(ctx context.Context, fields []events.Field) (erased []bool, faults []error, err error) {
	erased, faults = make([]bool, len(fields)), make([]error, len(fields))
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
		return erased, faults, nil
	}
	keys, unusable, err := s.keys.read(ctx, names, false)
	if err != nil {
		return nil, nil, err
	}
	opener := opener{keys: keys, ciphers: map[string]cipher.AEAD{}}
	for i, f := range fields {
		if f.Value.Sealed() {
			faults[i] = cmp.Or(unusable[subjectPrefix+parts[i].Subject], unusable[dayPrefix+parts[i].Day])
			if faults[i] != nil {
				continue
			}
			plain, ok := opener.open(f, parts[i])
			if *f.Value, erased[i] = events.Plain(plain), !ok; !ok {
				*f.Value = events.Erased
			}
		}
	}
	return erased, faults, nil
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
