package commands

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Sealer is a store for those who need what is personal in plain text: it seals what
// is appended and unseals what is read. Whoever only passes events on, or folds
// them into views, uses the store beneath, and never sees any.
//
// The key of a subject comes with the write that needs it first, in the same commit.
// Each sealed write requires the version of its subject's stream, so that none is
// sealed under a key that is being destroyed: it is refused, and sealed anew under
// the next. Of a call with writes that were refused so the accepted ones may be in
// more than one commit, unless one requires a stream that another writes: then all
// are refused, and sealed anew, together. A write for somebody whose key is damaged is
// refused alone, with an error that wraps events.ErrUnreadable. Otherwise the guarantees
// are those of EventStore.
type Sealer struct {
	ports.EventStore
	Keyring ports.Keyring // of the same database
	Lookup  Lookup
	Master  Master           // wraps the data keys
	Cached  int              // subjects whose keys are held in memory; 0: 20,000
	Now     func() time.Time // nil: time.Now

	once sync.Once
	keys dataKeys
}

func (s *Sealer) init() {
	s.once.Do(func() {
		s.keys.keyring, s.keys.master, s.keys.now = s.Keyring, s.Master, s.Now
		s.keys.wrap = sync.OnceValues(s.Master.wrapping)
		s.keys.sealing.limit, s.keys.reading.limit = s.Cached, s.Cached
		if s.Now == nil {
			s.keys.now = time.Now
		}
	})
}

// sealedWrite is a write and the keys that it was sealed under.
type sealedWrite struct {
	ports.Write
	at   int // index of the write in the call
	used []subjectKey
}

// Append implements ports.EventStore.
func (s *Sealer) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	s.init()
	results := make([]ports.Result, len(writes))
	pending := make([]int, len(writes))
	for i := range pending {
		pending[i] = i
	}
	for range tries {
		sealed, err := s.sealAll(ctx, writes, pending, results)
		if err != nil {
			return nil, err
		}
		if len(sealed) == 0 {
			return results, nil
		}
		refused, err := s.appendSealed(ctx, sealed, results)
		if err != nil || len(refused) == 0 {
			return results, err
		}
		pending, err = s.stale(ctx, refused, results)
		if err != nil || len(pending) == 0 {
			return results, err
		}
	}
	return nil, fmt.Errorf("sealing %d writes, %d tries: %w", len(pending), tries, ports.ErrUnavailable)
}

// appendSealed appends, fills in results, and returns what was refused although it
// may stand once it is sealed under another key.
func (s *Sealer) appendSealed(ctx context.Context, sealed []sealedWrite, results []ports.Result) (refused []sealedWrite, err error) {
	plain := make([]ports.Write, len(sealed))
	for i, w := range sealed {
		plain[i] = w.Write
	}
	got, err := s.EventStore.Append(ctx, plain...)
	if err != nil {
		return nil, err
	}
	for i, w := range sealed {
		results[w.at] = got[i]
		for _, k := range w.used {
			if got[i].Err == nil {
				s.keys.kept(k)
			}
		}
		if len(w.used) > 0 && errors.Is(got[i].Err, ports.ErrConflict) {
			refused = append(refused, w)
		}
	}
	return refused, nil
}

// stale returns the indexes of the writes whose key was not the right one. Results
// tell of those for which there is none.
func (s *Sealer) stale(ctx context.Context, refused []sealedWrite, results []ports.Result) ([]int, error) {
	var used []subjectKey
	for _, w := range refused {
		used = append(used, w.used...)
	}
	changed, faults, err := s.keys.renew(ctx, s.EventStore, used)
	if err != nil {
		return nil, err
	}
	var again []int
	for _, w := range refused {
		if i := slices.IndexFunc(w.used, func(k subjectKey) bool { return faults[k.id] != nil }); i >= 0 {
			results[w.at].Err = unusable(w, faults[w.used[i].id])
			continue
		}
		if slices.ContainsFunc(w.used, func(k subjectKey) bool { return changed[k.id] }) {
			again = append(again, w.at)
		}
	}
	return again, nil
}

// sealAll seals those of writes that are pending. Results tell of those for which a key
// that is needed is damaged, where the others do not depend on them.
func (s *Sealer) sealAll(ctx context.Context, writes []ports.Write, pending []int, results []ports.Result) ([]sealedWrite, error) {
	if s.keys.asks.Load() > 0 {
		if err := s.keys.learn(ctx, s.subjects(writes, pending)); err != nil {
			return nil, err
		}
	}
	together := entangled(writes)
	sealed := make([]sealedWrite, 0, len(pending))
	for _, i := range pending {
		w, err := s.seal(ctx, writes[i])
		if errors.Is(err, ErrMasterKey) {
			if err = unusable(w, err); !together {
				results[i].Err = err
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("sealing for stream %s: %w", writes[i].StreamID, err)
		}
		w.at = i
		sealed = append(sealed, w)
	}
	if together {
		for n := range sealed {
			for _, other := range sealed {
				for _, k := range other.used {
					sealed[n].use(k)
				}
			}
		}
	}
	return sealed, nil
}

// entangled reports whether a write requires a stream that another of the call writes:
// they are meant to stand or fall together.
func entangled(writes []ports.Write) bool {
	if len(writes) < 2 {
		return false
	}
	written := make(map[string]bool, len(writes))
	for _, w := range writes {
		written[w.StreamID] = true
	}
	return slices.ContainsFunc(writes, func(w ports.Write) bool {
		return slices.ContainsFunc(w.Requires, func(r ports.Require) bool { return written[r.StreamID] })
	})
}

// unusable is the error of a write for which a key is there and damaged.
func unusable(w sealedWrite, fault error) error {
	return fmt.Errorf("sealing for stream %s: a key %w: %w", w.StreamID, events.ErrUnreadable, fault)
}

// subjects returns those for whom something is to be sealed in writes.
func (s *Sealer) subjects(writes []ports.Write, pending []int) (ids []string) {
	for _, i := range pending {
		w := writes[i]
		for _, e := range w.Events {
			if fields, _ := events.Fields(w.StreamID, e); len(fields) > 0 {
				ids = append(ids, s.Lookup.Subject(w.Meta.Tenant, *fields[0].Value))
			}
		}
	}
	return ids
}

// seal returns w with what is personal sealed, in a copy.
func (s *Sealer) seal(ctx context.Context, w ports.Write) (sealedWrite, error) {
	sealed := sealedWrite{Write: w}
	for i, e := range w.Events {
		fields, changed := events.Fields(w.StreamID, e)
		if len(fields) == 0 {
			continue
		}
		k, err := s.keys.of(s.Lookup.Subject(w.Meta.Tenant, *fields[0].Value))
		if err != nil {
			return sealed, err
		}
		if err := s.sealFields(ctx, e, fields, k); err != nil {
			return sealed, err
		}
		if len(sealed.used) == 0 {
			sealed.Events = slices.Clone(w.Events)
		}
		sealed.Events[i] = changed()
		sealed.use(k)
	}
	return sealed, nil
}

// use adds what a write under k needs, once.
func (w *sealedWrite) use(k subjectKey) {
	if slices.ContainsFunc(w.used, func(used subjectKey) bool { return used.id == k.id }) {
		return
	}
	w.used = append(w.used, k)
	w.Requires = append(slices.Clip(w.Requires), ports.Require{StreamID: subjectStream(k.id), Version: k.generation})
	if k.wrapped != nil {
		w.Keys = append(slices.Clip(w.Keys), ports.Key{Name: k.name(), Key: k.wrapped})
	}
}

func (s *Sealer) sealFields(ctx context.Context, e events.Event, fields []events.Field, k subjectKey) error {
	numbers, err := valueCipher(k.key)
	if err != nil {
		return err
	}
	ref := k.ref()
	for _, f := range fields {
		plain := string(*f.Value)
		if plain == "" {
			continue
		}
		sealed := events.Sealed{Subject: ref}
		aead := numbers
		if f.Name == "body" {
			sealed.Day = lastDay(e, s.keys.now())
			if aead, err = s.bodyCipher(ctx, k, sealed.Day); err != nil {
				return err
			}
		}
		if isNamed(e, f.Name) {
			sealed.Name = s.Lookup.ConsentStream(EveryTenant, *f.Value)
		}
		sealed.Sealed = sealValue(aead, f.Stream, f.Name, plain)
		*f.Value = sealed.Personal()
	}
	return nil
}

func (s *Sealer) bodyCipher(ctx context.Context, k subjectKey, day string) (cipher.AEAD, error) {
	dayKey, err := s.keys.day(ctx, day)
	if err != nil {
		return nil, err
	}
	key, err := bodyKey(k.key, dayKey)
	if err != nil {
		return nil, err
	}
	return valueCipher(key)
}
