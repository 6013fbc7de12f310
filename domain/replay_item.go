package domain

import (
	"slices"

	"github.com/pro-sms/prosms/events"
)

// Outcomes of an item of a replay.
const (
	ItemPending  = ""
	ItemRedriven = "redriven" // sent again, and not settled yet
	ItemSent     = "sent"     // the provider has accepted it
	ItemFailed   = "failed"   // a dead letter again
	ItemSkipped  = "skipped"
)

// items are the states of a replay's items, as indexes in itemStates: a byte each,
// so that a copy for each event costs next to nothing.
type items []byte

// itemStates are all that can come of an item.
var itemStates = []events.ReplayItem{
	{Outcome: ItemPending}, {Outcome: ItemRedriven}, {Outcome: ItemSent}, {Outcome: ItemFailed}, {Outcome: ItemSkipped},
	{Outcome: ItemSkipped, Why: string(NotDeadLettered)},
	{Outcome: ItemSkipped, Why: string(WasDiscarded)},
	{Outcome: ItemSkipped, Why: string(MayHaveBeenSent)},
	{Outcome: ItemSkipped, Why: string(WouldBeOptedOut)},
	{Outcome: ItemSkipped, Why: string(WouldHaveExpired)},
	{Outcome: ItemSkipped, Why: string(Canceled)},
	{Outcome: ItemRedriven},
	{Outcome: ItemSkipped, Why: string(Unreadable)},
}

// Of what is redriven, that from before a resume is told apart from what came after.
const (
	redrivenLately  = 1
	redrivenEarlier = 11
)

// stateOf returns the index of what came of item. What a newer build may say is
// known without its reason.
func stateOf(item events.ReplayItem) byte {
	item.ID = ""
	if i := slices.Index(itemStates, item); i >= 0 {
		return byte(i)
	}
	item.Why = ""
	return byte(max(0, slices.Index(itemStates, item)))
}

func (s items) count(outcome string) int {
	n := 0
	for _, state := range s {
		if itemStates[state].Outcome == outcome {
			n++
		}
	}
	return n
}

// resumed returns s with all that was redriven as redriven earlier.
func (s items) resumed() items {
	s = slices.Clone(s)
	for i, state := range s {
		if state == redrivenLately {
			s[i] = redrivenEarlier
		}
	}
	return s
}

// Became says what has come of a message that a replay had redriven; false: nothing yet.
func (m Message) Became() (events.ReplayItem, bool) {
	switch m.Status {
	case Dispatched, Delivered, Undelivered:
		return events.ReplayItem{Outcome: ItemSent}, true
	case DeadLettered:
		return events.ReplayItem{Outcome: ItemFailed}, true
	case OptedOut, Expired, Canceled:
		return events.ReplayItem{Outcome: ItemSkipped, Why: string(m.Status)}, true
	}
	return events.ReplayItem{}, false
}
