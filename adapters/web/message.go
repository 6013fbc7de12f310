package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/segments"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// messageData is a text with its story.
type messageData struct {
	Message  projections.Message // as of the step that is shown
	Verdict  verdict             // of the text as it is now; empty of an earlier state
	Key      string              // that it was accepted by; empty: none
	Posts    []commands.Delivery // to webhooks, the newest
	Story    []step
	AsOf     int // version shown
	Last     int // newest version
	Proven   bool
	Head     string // link of the last commit of the text, in hex
	TraceID  string
	Segments segmentsData
	Attempts []attempt
	Cancel   bool // it can be called back
	Redrive  bool // it is a dead letter that waits for a decision
	Refused  bool // for good: it is of no use to send it again as it is
	Doubtful bool // which may have been sent
	Resolve  int  // the attempt whose doubt can be settled by hand; 0: none
	Only     bool // and only by proof that it was sent
	APIURL   string
}

// segmentsData is how a text travels.
type segmentsData struct {
	Size       segments.Size
	Characters int
	Parts      []string
	Forced     []string
}

func (u *ui) message(w http.ResponseWriter, r *http.Request, v visit) error {
	recorded, err := u.Oversight.Timeline(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	proofs, err := u.Oversight.Prove(r.Context(), recorded)
	if err != nil {
		return err
	}
	d := messageData{Last: recorded[len(recorded)-1].Version, Proven: true, APIURL: u.APIURL}
	if d.AsOf = d.Last; r.URL.Query().Has("as_of") {
		position, err := strconv.ParseInt(r.URL.Query().Get("as_of"), 10, 64)
		if err != nil {
			return errBadQuery
		}
		d.AsOf = 0
		for _, e := range recorded {
			if e.Position <= position {
				d.AsOf = e.Version
			}
		}
		if d.AsOf == 0 {
			return projections.ErrNotFound // it did not exist yet
		}
	}
	now := projections.Of[projections.Message](recorded)
	for i, e := range recorded {
		s := tell(e)
		if d, ok := e.Data.(events.MessageUndelivered); ok {
			if means := u.meaning(now.Provider, d.ErrorCode); means != "" {
				s.Text = "The provider says that the handset will not get it: " + means + "."
			}
		}
		if i == 0 && strings.HasPrefix(e.Meta.CausationID, "msg_") {
			s.See, _, _ = strings.Cut(e.Meta.CausationID, ":")
		}
		if i == 0 {
			s.tellAnswer(e.Meta.CausationID)
		}
		s.Position, s.Version, s.At, s.Type, s.Actor = e.Position, e.Version, e.RecordedAt, e.Type, e.Meta.Actor
		s.Reason, s.Later, s.Current = e.Meta.Reason, e.Version > d.AsOf, e.Version == d.AsOf
		if strings.HasSuffix(s.Text, "Reason: "+s.Reason) { // it is told
			s.Reason = ""
		}
		s.Data, s.Meta, s.Digest = pretty(v, e.RawData), pretty(v, e.RawMeta), e.Digest.String()
		s.Proof = proofs[i]
		if i > 0 {
			s.Gap = e.RecordedAt.Sub(recorded[i-1].RecordedAt)
		}
		d.Proven = d.Proven && proofs[i].Holds()
		d.Story = append(d.Story, s)
	}
	d.Head = proofs[len(proofs)-1].Commit.Link.String()
	d.Message = projections.Of[projections.Message](recorded[:d.AsOf])
	if d.Message.Body != events.Erased { // else there is nothing to count
		d.Segments = inspect(d.Message.Body)
	}
	d.Attempts = u.attempts(v, d.Message, recorded[:d.AsOf])
	d.TraceID = traceID(recorded[0].Meta.TraceParent)
	d.Cancel = v.Role.Includes(domain.RoleOperator) && (now.Status == "scheduled" || now.Status == "accepted") && len(now.Attempts) == 0
	dead := projections.Of[projections.DeadLetter](recorded)
	d.Redrive = v.Role.Includes(domain.RoleOperator) && dead.Listed()
	d.Doubtful, d.Refused = doubtfulDead(dead), dead.Class == string(domain.ClassPermanent)
	d.Only = d.Redrive && d.Doubtful
	if v.Role.Includes(domain.RoleOperator) && (now.Status == string(domain.InDoubt) || d.Only) {
		d.Resolve = len(now.Attempts)
	}
	if key, ok := strings.CutPrefix(recorded[0].Meta.Actor, "key:"); ok {
		d.Key = key
	}
	if d.AsOf == d.Last {
		shut, err := u.shut(r.Context(), now.ID, recorded)
		if err != nil {
			return err
		}
		var put *events.MessageDeferred
		if last, ok := recorded[len(recorded)-1].Data.(events.MessageDeferred); ok {
			put = &last
		}
		if d.Verdict = judge(now, put, dead, u.meaning, shut, u.Now()); !v.Sees() && now.Status == string(domain.OptedOut) {
			d.Verdict.Link = "" // it names the number
		}
	}
	if u.Webhooks != nil {
		if d.Posts, _, err = u.Webhooks.Deliveries(r.Context(), commands.DeliveryFilter{Tenant: now.Tenant, Message: now.ID, Limit: postsShown}); err != nil {
			return err
		}
	}
	return u.show(w, r, v, "message", page{Title: "Message", Nav: "/messages", Data: d})
}

// postsShown is how many deliveries to webhooks a text shows.
const postsShown = 5

// meaning says what a provider's code means; empty where that is not known.
func (u *ui) meaning(provider, code string) string {
	if u.Meaning == nil || code == "" {
		return ""
	}
	return u.Meaning(provider, code)
}

func inspect(body string) segmentsData {
	d := segmentsData{Size: segments.Count(body), Characters: utf8.RuneCountInString(body), Parts: segments.Split(body)}
	for _, r := range segments.ForcedBy(body) {
		d.Forced = append(d.Forced, string(r))
	}
	return d
}

// traceID is the second field of a traceparent (W3C Trace Context).
func traceID(parent string) string {
	parts := strings.Split(parent, "-")
	if len(parts) < 4 {
		return ""
	}
	return parts[1]
}

func (u *ui) cancelMessage(w http.ResponseWriter, r *http.Request, v visit) error {
	id := r.PathValue("id")
	caller, err := u.callerFor(r, v, id)
	if err != nil {
		return err
	}
	if err := u.Commands.Cancel(r.Context(), caller, id); err != nil {
		return err
	}
	http.Redirect(w, r, "/messages/"+url.PathEscape(id)+"?done=canceled", http.StatusSeeOther)
	return nil
}

// caller is who acts, with the reason in the form, which must not be empty.
func (u *ui) caller(r *http.Request, v visit) (commands.Caller, error) {
	if err := r.ParseForm(); err != nil {
		return commands.Caller{}, errBadQuery
	}
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	if reason == "" || len(reason) > 500 {
		return commands.Caller{}, errNoReason
	}
	return commands.Caller{Actor: "operator:" + v.Name, Reason: reason}, nil
}

// callerFor is caller in the place of the tenant whose text id is.
func (u *ui) callerFor(r *http.Request, v visit, id string) (commands.Caller, error) {
	caller, err := u.caller(r, v)
	if err != nil {
		return commands.Caller{}, err
	}
	recorded, err := u.Oversight.Timeline(r.Context(), id)
	if err != nil {
		return commands.Caller{}, err
	}
	caller.Tenant = recorded[0].Meta.Tenant
	return caller, nil
}
