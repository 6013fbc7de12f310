package commands

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// Names in the keyring, besides that of Lookup. What begins with forgetPrefix is no
// key, but says that keys are still to be destroyed.
const (
	subjectPrefix = "subject/" // then the subject's id and its generation
	dayPrefix     = "day/"
	forgetPrefix  = "forget/" // then the subject's id and the generation that is forgotten
)

// seenFor is how long a key is used for reading without asking the keyring again:
// what another instance has forgotten can be read here for so long.
const seenFor = time.Minute

// subjectKey is the key under which a subject's values are sealed now. It is never
// changed, but replaced.
type subjectKey struct {
	id         string
	generation int // how often the subject was forgotten
	key        []byte
	wrapped    []byte // comes with each write until one is committed; nil: the keyring has it
}

func (k subjectKey) ref() string { return k.id + "/" + strconv.Itoa(k.generation) }

// name is what the keyring has it under.
func (k subjectKey) name() string { return subjectPrefix + k.ref() }

func (k subjectKey) same(other subjectKey) bool {
	return k.generation == other.generation && bytes.Equal(k.key, other.key)
}

// dataKeys are the keys of subjects and days, some of them in memory.
type dataKeys struct {
	keyring ports.Keyring
	master  Master
	now     func() time.Time

	wrap func() (func(name string, key []byte) []byte, error) // made at the first call

	// asks is how many more subjects are looked up before something is sealed for them:
	// after a start most have a key that is not in memory, and assuming the contrary
	// costs an append that is refused. While they are new, it is 0 and nothing is read.
	asks atomic.Int32

	sealing lru[subjectKey] // by subject
	reading lru[seenKey]    // by name in the keyring
}

// seenKey is a key as it was seen in the keyring.
type seenKey struct {
	key []byte
	at  time.Time
}

// of returns the key to seal a subject's values under. Of one that is not in memory
// it is assumed that it was never forgotten and has no key: the store refuses the
// write where that is wrong.
func (d *dataKeys) of(subject string) (subjectKey, error) {
	if k, ok := d.sealing.get(subject); ok {
		return k, nil
	}
	k, err := d.fresh(subject, 0)
	if err != nil {
		return k, err
	}
	return d.sealing.putUnless(subject, k, func(subjectKey) bool { return true }), nil
}

// manyAsks is how many subjects are looked up since one was known last.
const manyAsks = 200

// learn looks up those of subjects that are not in memory, in one call, as long as
// that is worth while.
func (d *dataKeys) learn(ctx context.Context, subjects []string) error {
	var unknown, names []string
	for _, id := range subjects {
		if _, ok := d.sealing.get(id); !ok {
			unknown, names = append(unknown, id), append(names, subjectKey{id: id}.name())
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	keys, _, err := d.read(ctx, names, false)
	if err != nil {
		return err
	}
	for i, id := range unknown {
		if key := keys[names[i]]; key != nil {
			d.sealing.putUnless(id, subjectKey{id: id, key: key}, func(subjectKey) bool { return true })
		}
	}
	if len(keys) > 0 {
		d.asks.Store(manyAsks)
	} else {
		d.asks.Add(-int32(len(unknown)))
	}
	return nil
}

func (d *dataKeys) fresh(subject string, generation int) (subjectKey, error) {
	k := subjectKey{id: subject, generation: generation, key: make([]byte, 32)}
	_, _ = rand.Read(k.key) // never fails: it crashes the program instead
	wrap, err := d.wrap()
	if err != nil {
		return k, err
	}
	k.wrapped = wrap(k.name(), k.key)
	return k, nil
}

// kept notes that the keyring has k, which came with a write.
func (d *dataKeys) kept(k subjectKey) {
	d.reading.put(k.name(), seenKey{k.key, d.now()})
	if k.wrapped != nil {
		k.wrapped = nil
		d.sealing.putUnless(k.id, k, func(there subjectKey) bool { return !there.same(k) })
	}
}

// renew reads anew what is known of subjects whose writes were refused, and returns
// those for which another key than the one used counts, and why the keys of others
// cannot be used, all by subject.
func (d *dataKeys) renew(ctx context.Context, store ports.EventStore, used []subjectKey) (changed map[string]bool, faults map[string]error, err error) {
	changed, faults = map[string]bool{}, map[string]error{}
	var streams []string
	for _, k := range used {
		if now, ok := d.sealing.get(k.id); ok && !now.same(k) {
			changed[k.id] = true // somebody else has
			continue
		}
		streams = append(streams, subjectStream(k.id))
	}
	if len(streams) == 0 {
		return changed, faults, nil
	}
	recorded, err := store.LoadMany(ctx, streams)
	if fatal(err) != nil { // it counts how many there are
		return nil, nil, fmt.Errorf("reading subjects: %w", err)
	}
	current := make([]subjectKey, len(used))
	var names []string
	for i, k := range used {
		current[i] = subjectKey{id: k.id, generation: len(recorded[subjectStream(k.id)])}
		names = append(names, current[i].name())
	}
	keys, unusable, err := d.read(ctx, names, true)
	if err != nil {
		return nil, nil, err
	}
	for i, k := range current {
		if changed[k.id] {
			continue
		}
		if fault := unusable[k.name()]; fault != nil {
			faults[k.id] = fault
			continue
		}
		if k.key = keys[k.name()]; k.key == nil {
			if k.generation == used[i].generation {
				continue // nothing is kept: it was not the key that was refused
			}
			if k, err = d.fresh(k.id, k.generation); err != nil {
				return nil, nil, err
			}
		}
		if changed[k.id] = !k.same(used[i]); used[i].wrapped != nil && changed[k.id] {
			d.asks.Store(manyAsks)
		}
		d.sealing.put(k.id, k)
	}
	return changed, faults, nil
}

// day returns the key of a day, which is made when it is asked for first.
func (d *dataKeys) day(ctx context.Context, day string) ([]byte, error) {
	name := dayPrefix + day
	if seen, ok := d.reading.get(name); ok && d.now().Sub(seen.at) < seenFor {
		return seen.key, nil
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	wrapped, err := d.master.wrap(name, fresh)
	if err != nil {
		return nil, err
	}
	kept, err := d.keyring.KeepOrGet(ctx, name, wrapped)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", name, err)
	}
	key, err := d.master.unwrap(ctx, name, kept)
	if err == nil {
		d.reading.put(name, seenKey{key, d.now()})
	}
	return key, err
}

// read returns the keys that are kept among names, by name, in one call of the
// keyring at most, and why those cannot be used that are kept and not among them.
func (d *dataKeys) read(ctx context.Context, names []string, anew bool) (keys map[string][]byte, unusable map[string]error, err error) {
	keys = make(map[string][]byte, len(names))
	asked := map[string]bool{}
	var unseen []string
	for _, name := range names {
		if asked[name] {
			continue
		}
		asked[name] = true
		if seen, ok := d.reading.get(name); ok && !anew && d.now().Sub(seen.at) < seenFor {
			keys[name] = seen.key
			continue
		}
		unseen = append(unseen, name)
	}
	if len(unseen) == 0 {
		return keys, nil, nil
	}
	kept, err := d.keyring.Get(ctx, unseen...)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %d keys: %w", len(unseen), err)
	}
	for _, name := range unseen {
		if kept[name] == nil {
			d.reading.drop(name)
			continue
		}
		key, err := d.master.unwrap(ctx, name, kept[name])
		if err != nil {
			if unusable == nil {
				unusable = map[string]error{}
			}
			unusable[name] = err
			continue
		}
		keys[name] = key
		d.reading.put(name, seenKey{key, d.now()})
	}
	return keys, unusable, nil
}

// destroy removes a subject's keys of the generations before one, and then the note
// that this is to be done.
func (d *dataKeys) destroy(ctx context.Context, subject string, before int) error {
	d.sealing.drop(subject)
	var names, notes []string
	for generation := range before {
		ref := subject + "/" + strconv.Itoa(generation)
		names, notes = append(names, subjectPrefix+ref), append(notes, forgetPrefix+ref)
		d.reading.drop(subjectPrefix + ref)
	}
	if err := d.keyring.Delete(ctx, names...); err != nil {
		return fmt.Errorf("forgetting subject %s: %w", subject, err)
	}
	if err := d.keyring.Delete(ctx, notes...); err != nil {
		return fmt.Errorf("forgetting subject %s: %w", subject, err)
	}
	return nil
}

// readNote returns what a name with forgetPrefix says.
func readNote(name string) (subject string, generation int, ok bool) {
	subject, text, ok := strings.Cut(strings.TrimPrefix(name, forgetPrefix), "/")
	generation, err := strconv.Atoi(text)
	return subject, generation, ok && err == nil
}
