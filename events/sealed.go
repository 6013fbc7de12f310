package events

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// Erased is what a personal value is shown as once its key is gone.
const Erased = "[erased]"

// Unopened is what it is shown as while its key is there and cannot be used.
const Unopened = "[unreadable]"

// sealedMark begins a sealed Personal in memory, and in the rows of views; its parts
// follow, separated by "|". No text that we send holds it: it is a control character.
const sealedMark = "\x1a|"

// Sealed is a personal value as the log and the views keep it: readable only with
// keys that stand elsewhere and can be destroyed. In the JSON of an event it is an
// object, {"sealed", "subject", "day", "name"}, in the place of the string.
type Sealed struct {
	Sealed  []byte // a nonce and the ciphertext
	Subject string // whose key: "<id>/<generation>"
	Day     string // and of which day the other key is: "2026-11-25"; empty: there is none
	Name    string // of a number: a keyed hash, by which it is looked up
}

// sealedJSON is Sealed as it is stored.
type sealedJSON struct {
	Sealed  string `json:"sealed"` // base64
	Subject string `json:"subject"`
	Day     string `json:"day,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Personal returns s as events and views carry it.
func (s Sealed) Personal() Personal {
	b := make([]byte, 0, len(s.Sealed)*4/3+len(s.Subject)+len(s.Day)+len(s.Name)+12)
	b = append(append(append(b, sealedMark...), s.Subject...), '|')
	b = append(append(append(b, s.Day...), '|'), s.Name...)
	return Personal(base64.StdEncoding.AppendEncode(append(b, '|'), s.Sealed))
}

// Sealed reports whether p is sealed: what string(p) shows is no number and no text.
func (p Personal) Sealed() bool { return strings.HasPrefix(string(p), sealedMark) }

// Parts returns what p was sealed as; false where it is not sealed, or damaged.
func (p Personal) Parts() (Sealed, bool) {
	stored, ok := p.split()
	if !ok {
		return Sealed{}, false
	}
	sealed, err := base64.StdEncoding.DecodeString(stored.Sealed)
	return Sealed{sealed, stored.Subject, stored.Day, stored.Name}, err == nil
}

func (p Personal) split() (s sealedJSON, ok bool) {
	rest, ok := strings.CutPrefix(string(p), sealedMark)
	for _, part := range []*string{&s.Subject, &s.Day, &s.Name} {
		if ok {
			*part, rest, ok = strings.Cut(rest, "|")
		}
	}
	s.Sealed = rest
	return s, ok && s.whole()
}

// personal returns s as events and views carry it.
func (s sealedJSON) personal() Personal {
	return Personal(sealedMark + s.Subject + "|" + s.Day + "|" + s.Name + "|" + s.Sealed)
}

// whole reports whether s can be a sealed value: nothing in it needs to be escaped.
func (s sealedJSON) whole() bool {
	return s.Subject != "" && names.all(s.Subject) && names.all(s.Day) && names.all(s.Name) && base64Alphabet.all(s.Sealed)
}

// MarshalJSON writes a plain value as a string and a sealed one as its object.
func (p Personal) MarshalJSON() ([]byte, error) {
	return appendPersonal(make([]byte, 0, len(p)+64), p), nil
}

// UnmarshalJSON reads what MarshalJSON writes. The error quotes nothing.
func (p *Personal) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		s, ok := readSealed(string(b))
		if !ok && json.Unmarshal(b, &s) != nil || !s.whole() {
			return errors.New("reading a sealed value: malformed")
		}
		*p = s.personal()
		return nil
	}
	var plain string
	if err := json.Unmarshal(b, &plain); err != nil {
		return errors.New("reading a personal value: not a string")
	}
	*p = Plain(plain)
	return nil
}

// readSealed reads the very form that MarshalJSON writes, which is most of what a
// gateway reads: json takes five times as long.
func readSealed(object string) (s sealedJSON, ok bool) {
	rest, ok := strings.CutPrefix(object, `{"sealed":"`)
	if !ok {
		return s, false
	}
	if s.Sealed, rest, ok = strings.Cut(rest, `","subject":"`); !ok {
		return s, false
	}
	if rest, ok = strings.CutSuffix(rest, `"}`); !ok {
		return s, false
	}
	rest, s.Name, _ = strings.Cut(rest, `","name":"`)
	s.Subject, s.Day, _ = strings.Cut(rest, `","day":"`)
	return s, s.whole()
}

// Plain returns text from outside as a Personal: what looks like a sealed value there
// is none.
func Plain(text string) Personal {
	for Personal(text).Sealed() {
		text = text[len(sealedMark):]
	}
	return Personal(text)
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
