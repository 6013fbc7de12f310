package web

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/pro-sms/prosms/commands"
)

// resolve settles a doubt by an operator's word.
func (u *ui) resolve(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	attempt, err := strconv.Atoi(r.PostForm.Get("attempt"))
	if err != nil || attempt < 1 {
		return errBadQuery
	}
	request := commands.Resolve{Attempt: attempt, Verdict: r.PostForm.Get("verdict"), Reason: caller.Reason}
	if request.Verdict == "sent" {
		request.ProviderMessageID = r.PostForm.Get("provider_message_id")
	}
	id := r.PathValue("id")
	if err := u.Commands.Resolve(r.Context(), caller, id, request); err != nil {
		return err
	}
	http.Redirect(w, r, "/messages/"+url.PathEscape(id)+"?done=resolved", http.StatusSeeOther)
	return nil
}

// replace sends another text in the place of a dead letter, and goes to it.
func (u *ui) replace(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	expires := r.PostForm.Get("expires_at")
	if expires != "" {
		expires += ":00Z"
	}
	sent, err := u.Commands.Replace(r.Context(), caller, r.PathValue("id"), commands.Replace{
		To: r.PostForm.Get("to"), From: r.PostForm.Get("from"), Body: r.PostForm.Get("body"), ExpiresAt: expires,
		Reason: caller.Reason, IncludeInDoubt: r.PostForm.Get("in_doubt") != "",
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/messages/"+url.PathEscape(sent.ID)+"?done=replaced", http.StatusSeeOther)
	return nil
}
