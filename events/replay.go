package events

// MaxReplayItems bounds the items in one event of a replay; more make several.
const MaxReplayItems = 500

// ReplayRequested says that somebody wants dead letters sent again. Which ones is
// frozen here: the ids follow in replay.selected, in the same commit.
type ReplayRequested struct {
	By             string `json:"by"`
	Reason         string `json:"reason"`
	Selected       int    `json:"selected"`                   // how many
	Rate           int    `json:"rate"`                       // messages a second
	IncludeInDoubt bool   `json:"include_in_doubt,omitempty"` // also those that may have been sent
	Test           bool   `json:"test,omitempty"`             // a test key asks, for test messages
}

// ReplaySelected is a part of what a replay is about: at most MaxReplayItems.
type ReplaySelected struct {
	IDs []string `json:"ids"` // of messages
}

// ReplayProgressed says what came of some items: at most MaxReplayItems.
type ReplayProgressed struct {
	Items []ReplayItem `json:"items"`
}

// ReplayItem is one message of a replay. Each is redriven or skipped once; one that
// is redriven is later sent, failed or skipped.
type ReplayItem struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"`       // "redriven", "sent", "failed", "skipped"
	Why     string `json:"why,omitempty"` // of "skipped": "not_dead_lettered", "discarded", "in_doubt", "opted_out", "expired"
}

// ReplayPaused stops a replay until somebody resumes it.
type ReplayPaused struct {
	By     string `json:"by"` // "replayer" when too many failed again
	Reason string `json:"reason,omitempty"`
}

// ReplayResumed lets a replay go on.
type ReplayResumed struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ReplayCanceled ends a replay: what it has not redriven stays a dead letter.
type ReplayCanceled struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ReplayCompleted says that every item has its outcome.
type ReplayCompleted struct {
	Sent    int `json:"sent"`
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
}

func (ReplayRequested) EventType() string  { return "replay.requested" }
func (ReplaySelected) EventType() string   { return "replay.selected" }
func (ReplayProgressed) EventType() string { return "replay.progressed" }
func (ReplayPaused) EventType() string     { return "replay.paused" }
func (ReplayResumed) EventType() string    { return "replay.resumed" }
func (ReplayCanceled) EventType() string   { return "replay.canceled" }
func (ReplayCompleted) EventType() string  { return "replay.completed" }
