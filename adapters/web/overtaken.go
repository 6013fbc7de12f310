package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pro-sms/prosms/commands"
)

// overtaken says that another operator has changed a breaker since the page was drawn.
type overtaken struct{ who, why string }

// Error names the operator.
func (o overtaken) Error() string {
	return o.who + " has opened or closed this breaker meanwhile: " + o.why + ". Nothing was changed by you; look again."
}

// moved looks at what operators did to a breaker since the form of r was drawn. It
// reports whether the caller has sent this form before; somebody else's change is an
// error. What the breaker did by itself does not count: it may do so all the time.
func (u *ui) moved(r *http.Request, caller commands.Caller, provider string) (done bool, err error) {
	seen, err := strconv.Atoi(r.PostForm.Get("seen"))
	if err != nil || seen < 0 {
		return false, nil // not said
	}
	recorded, err := u.transitions(r.Context(), provider)
	if err != nil {
		return false, err
	}
	for _, e := range recorded[min(seen, len(recorded)):] {
		who, byHand := strings.CutPrefix(e.Meta.Actor, "operator:")
		switch {
		case byHand && e.Meta.Actor != caller.Actor:
			return false, overtaken{who, e.Meta.Reason}
		case byHand && e.Meta.Reason == caller.Reason:
			return true, nil
		}
	}
	return false, nil
}
