package projections

import (
	"strings"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Replay is a row of the replays view. The items themselves are in the log only.
type Replay struct {
	ID        string    `json:"id"`
	Tenant    string    `json:"tenant"`
	Status    string    `json:"status"` // domain.ReplayStatus
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
	Rate      int       `json:"rate"`
	InDoubt   bool      `json:"include_in_doubt,omitempty"`
	Test      bool      `json:"test,omitempty"` // begun by a test key, of test messages only
	Selected  int       `json:"selected"`
	Redriven  int       `json:"redriven"` // sent again, whatever came of it
	Sent      int       `json:"sent"`
	Skipped   int       `json:"skipped"` // before or after it was redriven
	Failed    int       `json:"failed"`
	Ended     int       `json:"ended"` // items that were redriven and then sent, skipped or failed
	Changed   *Change   `json:"changed,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Version   int       `json:"version"`
}

// Change says who paused, resumed or canceled a replay last, and why.
type Change struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// replaysView is the table behind the list of replays. open says what is left to do
// about one: "redrive", "follow", or nothing.
var replaysView = ports.View{Name: "replays", Columns: []string{"tenant", "status", "open", "created_at"}}

// Replays is the projection of replays.
func Replays() Projection {
	return project("replays", replaysView,
		func(e events.Recorded) string {
			if strings.HasPrefix(e.Type, "replay.") {
				return e.StreamID
			}
			return ""
		},
		func(r Replay) []any { return []any{r.Tenant, r.Status, r.open(), r.CreatedAt} })
}

// open is "redrive" while items are pending that may go, and "follow" while some that
// were redriven are not settled; otherwise null.
func (r Replay) open() any {
	switch {
	case r.Status == "running" && r.Pending() > 0:
		return openRedrive
	case r.Status == "running", r.Status != "completed" && r.Redriven > r.Ended:
		return openFollow
	}
	return nil
}

// Values of the open column.
const (
	openRedrive = "redrive"
	openFollow  = "follow"
)

// Apply returns the replay after e.
func (r Replay) Apply(e events.Recorded) Replay {
	switch d := e.Data.(type) {
	case events.ReplayRequested:
		r = Replay{
			ID: e.StreamID, Tenant: e.Meta.Tenant, Status: "running", By: d.By, Reason: d.Reason,
			Rate: d.Rate, InDoubt: d.IncludeInDoubt, Test: d.Test, Selected: d.Selected, CreatedAt: e.RecordedAt,
		}
	case events.ReplayProgressed:
		r = r.progressed(d)
	case events.ReplayPaused:
		r.Status, r.Changed = "paused", &Change{d.By, d.Reason, e.RecordedAt}
	case events.ReplayResumed:
		r.Status, r.Changed = "running", &Change{d.By, d.Reason, e.RecordedAt}
	case events.ReplayCanceled:
		r.Status, r.Changed = "canceled", &Change{d.By, d.Reason, e.RecordedAt}
	case events.ReplayCompleted:
		r.Status = "completed"
	}
	r.Version, r.UpdatedAt = e.Version, e.RecordedAt
	return r
}

func (r Replay) progressed(d events.ReplayProgressed) Replay {
	for _, item := range d.Items {
		switch item.Outcome {
		case "redriven":
			r.Redriven++
		case "sent":
			r.Sent++
			r.Ended++
		case "failed":
			r.Failed++
			r.Ended++
		case "skipped":
			r.Skipped++
			if settledLater(item.Why) {
				r.Ended++
			}
		}
	}
	return r
}

// settledLater reports whether an item skipped for this reason had been redriven:
// its claim ended it. The other reasons stand in the way of redriving.
func settledLater(why string) bool {
	switch why {
	case "opted_out", "expired", "canceled":
		return true
	}
	return false
}

// Pending returns how many items nothing was done about.
func (r Replay) Pending() int {
	notRedriven := r.Skipped - (r.Ended - r.Sent - r.Failed)
	return r.Selected - r.Redriven - notRedriven
}
