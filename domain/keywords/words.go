package keywords

import (
	"errors"
	"strings"
)

// Words are keywords of an installation's own, beside the lists. They are whole
// texts like those, and count before any free text. The zero value has none.
type Words struct {
	words map[string]Reading // by normal form
}

// Faults of words.
var (
	ErrNoWord  = errors.New("1 to 40 letters or digits, in whatever script, and up to 4 words")
	ErrMeaning = errors.New("means something else already")
)

// Add makes word mean intent. A word that means something else, in the lists or
// here, is refused: nobody's STOP can be made to mean YES.
func (w *Words) Add(intent Intent, word string) error {
	parts := split(word)
	name := strings.ToUpper(strings.TrimSpace(word))
	if len(parts) == 0 || len(parts) > 4 || len(name) > 40 || intent == None {
		return ErrNoWord
	}
	normal := strings.Join(parts, " ")
	if known := Read(word); known.Intent != None && known.Intent != intent {
		return ErrMeaning
	}
	if known, ok := w.words[normal]; ok && known.Intent != intent {
		return ErrMeaning
	}
	if w.words == nil {
		w.words = map[string]Reading{}
	}
	w.words[normal] = Reading{Intent: intent, Keyword: name}
	return nil
}

// Read is the package's Read, with these words.
func (w Words) Read(body string) Reading {
	if r := Read(body); r.Intent != None && !r.Free {
		return r
	}
	if r, ok := w.words[strings.Join(split(body), " ")]; ok {
		return r
	}
	return Read(body)
}
