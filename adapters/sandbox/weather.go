package sandbox

import (
	"net/http"
	"reflect"
	"time"

	"github.com/pro-sms/prosms/events"
)

// weather is a script for the whole carrier, as the phone page offers it.
type weather struct {
	ID, Name string
	Says     string // what to expect of it
	faults   []Fault
}

// weathers lists them, the fair one first.
var weathers = []weather{
	{ID: "fair", Name: "Fair", Says: "The carrier does as it should."},
	{ID: "slow", Name: "Slow", Says: "Answers take three seconds.", faults: []Fault{{Do: Slowly, For: events.Duration(3 * time.Second)}}},
	{ID: "throttle", Name: "Throttled", Says: "Every second text is refused with 429: it is retried, and no doubt arises.", faults: []Fault{{Do: Throttle, Every: 2, RetryAfter: 1}}},
	{ID: "errors", Name: "500s", Says: "Every second text is answered with 500 and was not taken on. Pro-SMS cannot know that, looks it up, and only then tries again.", faults: []Fault{{Do: Fail, Status: http.StatusInternalServerError, Every: 2}}},
	{ID: "lost", Name: "Lost answers", Says: "Every second text is taken on and its answer is lost. Whoever sends again blindly doubles it.", faults: []Fault{{Do: Drop, Accept: true, Every: 2}}},
	{ID: "receipts", Name: "No receipts", Says: "Texts arrive, and no receipt says so.", faults: []Fault{{Callbacks: &Callbacks{Drop: true}}}},
	{ID: "away", Name: "Away", Says: "Every connection is cut.", faults: []Fault{{Do: Offline}}},
}

// weather returns the one in force, or a name for what somebody has scripted.
func (s *Sandbox) weather() weather {
	faults := s.Faults()
	for _, w := range weathers {
		if len(w.faults) == len(faults) && (len(faults) == 0 || reflect.DeepEqual(w.faults, faults)) {
			return w
		}
	}
	return weather{ID: "script", Name: "Scripted", Says: "Misbehaving as scripted by a test or by hand."}
}

// postWeather replaces the script by the weather in the form.
func (s *Sandbox) postWeather(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err != nil {
		http.Error(w, "a form with weather is needed", http.StatusBadRequest)
		return
	}
	for _, one := range weathers {
		if one.ID == form.Get("weather") {
			s.ClearScript()
			if err := s.Script(one.faults...); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			http.Redirect(w, r, back(form), http.StatusSeeOther)
			return
		}
	}
	http.Error(w, "no such weather", http.StatusBadRequest)
}
