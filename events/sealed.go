package events

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// Erased is what a personal value is shown as once its key is gone.
const Erased = "[erased]"

// sealedMark begins a sealed Personal in memory; its JSON object follows. No text that
// we send holds it: it is a control character.
const sealedMark = "\x1a"

// Sealed is a personal value as the log and the views keep it: readable only with
// keys that stand elsewhere and can be destroyed. In JSON it is an object in the
// place of the string.
type Sealed struct {
	Sealed  []byte `json:"sealed"`         // a nonce and the ciphertext
	Subject string `json:"subject"`        // whose key: "<id>/<generation>"
	Day     string `json:"day,omitempty"`  // and of which day the other key is: "2026-11-25"; empty: there is none
	Name    string `json:"name,omitempty"` // of a number: a keyed hash, by which it is looked up
}

// Personal returns s as events and views carry it.
func (s Sealed) Personal() Personal {
	b := make([]byte, 0, len(s.Sealed)*4/3+len(s.Subject)+len(s.Day)+len(s.Name)+64)
	b = append(b, sealedMark+`{"sealed":"`...)
	b = base64.StdEncoding.AppendEncode(b, s.Sealed)
	// None of the others holds a character that JSON would escape.
	b = append(append(b, `","subject":"`...), s.Subject...)
	if s.Day != "" {
		b = append(append(b, `","day":"`...), s.Day...)
	}
	if s.Name != "" {
		b = append(append(b, `","name":"`...), s.Name...)
	}
	return Personal(append(b, `"}`...))
}

// Sealed reports whether p is sealed: what string(p) shows is no number and no text.
func (p Personal) Sealed() bool { return strings.HasPrefix(string(p), sealedMark+"{") }

// Parts returns what p was sealed as; false where it is not sealed, or damaged.
func (p Personal) Parts() (Sealed, bool) {
	if !p.Sealed() {
		return Sealed{}, false
	}
	var s Sealed
	err := json.Unmarshal([]byte(p[len(sealedMark):]), &s)
	return s, err == nil && s.Subject != ""
}

// MarshalJSON writes a plain value as a string and a sealed one as its object.
func (p Personal) MarshalJSON() ([]byte, error) {
	if p.Sealed() {
		return []byte(p[len(sealedMark):]), nil // who calls looks whether it is valid
	}
	return json.Marshal(string(p))
}

// UnmarshalJSON reads what MarshalJSON writes. The error quotes nothing.
func (p *Personal) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var s Sealed
		if err := json.Unmarshal(b, &s); err != nil || s.Subject == "" || strings.ContainsFunc(s.Subject+s.Day+s.Name, unsafe) {
			return errors.New("reading a sealed value: malformed")
		}
		*p = s.Personal()
		return nil
	}
	var plain string
	if err := json.Unmarshal(b, &plain); err != nil {
		return errors.New("reading a personal value: not a string")
	}
	*p = Plain(plain)
	return nil
}

// Plain returns text from outside as a Personal: what looks like a sealed value there
// is none.
func Plain(text string) Personal {
	if Personal(text).Sealed() {
		text = text[len(sealedMark):]
	}
	return Personal(text)
}

// unsafe reports whether r has no place in what names a key or a number.
func unsafe(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '/'
}

// Field is a personal value where it stands.
type Field struct {
	Stream string // the event's
	Name   string // in the event's JSON: "to"
	Value  *Personal
}

// Fields returns the personal values of e in streamID, the first of them that of
// the person whom e is about, and e as it is after they were changed.
func Fields(streamID string, e Event) (fields []Field, changed func() Event) {
	switch e := e.(type) {
	case MessageAccepted:
		return []Field{{streamID, "to", &e.To}, {streamID, "from", &e.From}, {streamID, "body", &e.Body}}, func() Event { return e }
	case InboundReceived:
		return []Field{{streamID, "from", &e.From}, {streamID, "to", &e.To}, {streamID, "body", &e.Body}}, func() Event { return e }
	case ConsentOptedOut:
		return []Field{{streamID, "number", &e.Number}}, func() Event { return e }
	case ConsentOptedIn:
		return []Field{{streamID, "number", &e.Number}}, func() Event { return e }
	}
	return nil, nil
}
