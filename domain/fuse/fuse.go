// Package fuse decides when texts to a block of numbers stop. It is against SMS
// pumping: somebody who earns by each text to his range of numbers has an application
// send codes to them. Such texts go to ever new numbers that have little in common
// but how they begin, and hardly any arrives. The package is pure: the time, and what
// became of texts, enter as values.
package fuse

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// Block is the numbers that begin with Prefix, as one tenant texts them: an attack
// comes by one tenant's application, and no other is held up by it.
type Block struct{ Tenant, Prefix string }

// MaxPause bounds how long a fuse is blown or lifted. With it, what is in force on a
// day stands in the events of that day and the one before.
const MaxPause = 24 * time.Hour

// Rule says when the fuse of a block blows.
type Rule struct {
	Texts      int           // to as many different numbers make a sample …
	Window     time.Duration // … if they are sent within this
	Wait       time.Duration // after which their receipts have come, if any do
	Share      float64       // blows where fewer than this share of the sample arrived
	Pause      time.Duration // for how long; doubles while it blows again, up to MaxPause
	Digits     int           // last ones of a number that are not in its prefix
	Exempt     []string      // beginnings of numbers that are not watched
	ReportOnly bool          // no text is paused
}

// shortest is how long a prefix is at the least: "+" and a country code.
const shortest = 4

// Block returns the block of an E.164 number; false: it is not watched.
func (r Rule) Block(tenant, number string) (Block, bool) {
	n := len(number) - r.Digits
	if n < shortest {
		return Block{}, false
	}
	for _, beginning := range r.Exempt {
		if strings.HasPrefix(number, beginning) {
			return Block{}, false
		}
	}
	return Block{tenant, number[:n]}, true
}

// Sample is what became of texts.
type Sample struct{ Texts, Delivered, Undelivered int }

// enough texts elsewhere without a single receipt mean that no receipts come.
const enough = 10

// Blows reports whether a sample looks like pumping. Elsewhere is what became of texts
// to other blocks meanwhile: it shows whether receipts come at all, without which a
// sample says nothing.
func (r Rule) Blows(s, elsewhere Sample) bool {
	if s.Delivered+s.Undelivered+elsewhere.Delivered+elsewhere.Undelivered == 0 && elsewhere.Texts >= enough {
		return false
	}
	return float64(s.Delivered) < r.Share*float64(s.Texts)
}

// pause returns for how long a block is paused that has blown often before.
func (r Rule) pause(before int) time.Duration {
	d := r.Pause
	for range before {
		if d >= MaxPause {
			break
		}
		d *= 2
	}
	return min(d, MaxPause)
}

// Standing is what was last decided of a block.
type Standing struct {
	Block
	Sample
	Paused    bool // no text goes there; false: it is reported, or was lifted
	Lifted    bool
	Blows     int // since it was lifted, or since it is paused and no longer only reported
	At, Until time.Time
}

// before returns how often the block has blown before it does so again. Before a pause
// reports do not count: the first one is as long as any first.
func (s Standing) before(paused bool) int {
	if paused && !s.Paused {
		return 0
	}
	return s.Blows
}

// InForce reports whether s still holds at now.
func (s Standing) InForce(now time.Time) bool { return now.Before(s.Until) }

// Rests reports whether a block of which s was decided last is left alone at now. One
// that was only reported is not where texts are paused: it is judged again at once.
func (r Rule) Rests(s Standing, now time.Time) bool {
	return s.InForce(now) && (s.Paused || s.Lifted || r.ReportOnly)
}

// most bounds the events of a State, which every instance reads each second: an
// attack that spreads wider is not for an automaton.
const most = 1000

// State is the fuses of all blocks, by the events of days in a row. The zero value has
// none.
type State struct {
	blocks map[Block]Standing
	events int
}

// Blow asks for a block to be paused, or reported, because of a sample.
type Blow struct {
	Block
	Sample
	Rule Rule
	Now  time.Time
}

// Lift lets texts go to a block again, and its fuse not blow for a time.
type Lift struct {
	Block
	For time.Duration // at most MaxPause
	Now time.Time
}

// Decide answers c with events; what is already so has none. ErrNotFound: nothing is
// blown that could be lifted.
func (s State) Decide(c domain.Command) ([]events.Event, error) {
	switch c := c.(type) {
	case Blow:
		last := s.blocks[c.Block]
		if c.Rule.Rests(last, c.Now) || s.events >= most {
			return nil, nil
		}
		return []events.Event{events.FuseBlown{
			Tenant: c.Tenant, Prefix: c.Prefix, Texts: c.Texts, Delivered: c.Delivered,
			Paused: !c.Rule.ReportOnly, At: c.Now, Until: c.Now.Add(c.Rule.pause(last.before(!c.Rule.ReportOnly))),
		}}, nil
	case Lift:
		standing := s.blocks[c.Block]
		if !standing.InForce(c.Now) {
			return nil, domain.ErrNotFound
		}
		if standing.Lifted {
			return nil, nil
		}
		return []events.Event{events.FuseLifted{
			Tenant: c.Tenant, Prefix: c.Prefix, At: c.Now, Until: c.Now.Add(min(c.For, MaxPause)),
		}}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", c, domain.ErrUnknownCommand)
}

// Evolve returns s after e.
func (s State) Evolve(e events.Event) State {
	switch e := e.(type) {
	case events.FuseBlown:
		return s.with(Standing{
			Block: Block{e.Tenant, e.Prefix}, Sample: Sample{Texts: e.Texts, Delivered: e.Delivered},
			Paused: e.Paused, Blows: s.blocks[Block{e.Tenant, e.Prefix}].before(e.Paused) + 1, At: e.At, Until: e.Until,
		})
	case events.FuseLifted:
		return s.with(Standing{Block: Block{e.Tenant, e.Prefix}, Lifted: true, At: e.At, Until: e.Until})
	}
	return s
}

func (s State) with(standing Standing) State {
	s.blocks = maps.Clone(s.blocks)
	if s.blocks == nil {
		s.blocks = map[Block]Standing{}
	}
	s.blocks[standing.Block] = standing
	s.events++
	return s
}

// Of returns what was last decided of a block; the zero Standing: nothing.
func (s State) Of(b Block) Standing { return s.blocks[b] }

// InForce returns what holds at now, in no order.
func (s State) InForce(now time.Time) (standing []Standing) {
	for _, one := range s.blocks {
		if one.InForce(now) {
			standing = append(standing, one)
		}
	}
	return standing
}

// Word returns what operators see.
func (s Standing) Word() string {
	switch {
	case s.Lifted:
		return "lifted"
	case s.Paused:
		return "paused"
	}
	return "reported"
}
