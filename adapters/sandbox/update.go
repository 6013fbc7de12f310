package sandbox

import (
	"net/http"
	"time"
)

var (
	errTooLate  = apiError{http.StatusBadRequest, 30409, "Message cannot be canceled"}
	errNotFinal = apiError{http.StatusConflict, 20009, "Message cannot be redacted or deleted until it is final"}
	errUpdate   = apiError{http.StatusBadRequest, 20001, "Only an empty Body or Status=canceled can be asked for"}
)

// update erases the body of a message that is over, or cancels it.
func (s *Sandbox) update(w http.ResponseWriter, r *http.Request) {
	m, ok := s.find(w, r)
	if !ok {
		return
	}
	form, err := readForm(w, r)
	switch {
	case err != nil:
		writeError(w, errForm)
		return
	case form.Get("Status") == "canceled":
		m, ok = s.ledger.change(m.SID, time.Now().UTC(), func(m *Message) bool {
			fits := ranks[m.Status] < ranks["sending"]
			m.Status, m.Finished = "canceled", true
			return fits
		})
		if !ok {
			writeError(w, errTooLate)
			return
		}
	case form.Has("Body") && form.Get("Body") == "":
		m, ok = s.ledger.change(m.SID, time.Now().UTC(), func(m *Message) bool {
			m.Body = ""
			return m.over()
		})
		if !ok {
			writeError(w, errNotFinal)
			return
		}
	default:
		writeError(w, errUpdate)
		return
	}
	writeJSON(w, http.StatusOK, s.resource(m))
}

// remove deletes a message that is over.
func (s *Sandbox) remove(w http.ResponseWriter, r *http.Request) {
	m, ok := s.find(w, r)
	if !ok {
		return
	}
	_, ok = s.ledger.change(m.SID, time.Now().UTC(), func(m *Message) bool {
		m.Deleted = true
		return m.over()
	})
	if !ok {
		writeError(w, errNotFinal)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
