// Package keywords tells what a text to us asks for: no more texts, texts again,
// help, or nothing that a machine should act on. It is pure.
package keywords

import (
	"slices"
	"strings"
)

// Intent is what a text asks for.
type Intent int

// The intents.
const (
	None Intent = iota
	OptOut
	OptIn
	Help
)

// Reading is what was understood of a text. Nothing in it is personal: Keyword is
// a word or phrase of our own lists, never a part of the text that is not.
type Reading struct {
	Intent  Intent
	Keyword string // as in the lists, in upper case
	// Free says that the wish was found in free text rather than being a keyword
	// alone. It counts all the same, since any reasonable means of revoking
	// consent does (47 CFR 64.1200(a)(10)), but a person should look at it.
	Free bool
}

// Read reads the body of a text. Case, accents, punctuation, emoji and spaces do
// not matter.
func Read(body string) Reading {
	words := split(body)
	if len(words) == 0 {
		return Reading{}
	}
	// "S.T.O.P", "OPT-OUT" and "stop!" are one keyword, however they are spelt.
	if r, ok := keyword(strings.Join(words, " ")); ok {
		return r
	}
	if r, ok := keyword(strings.Join(words, "")); ok {
		return r
	}
	if rest := strings.Join(slices.Compact(slices.DeleteFunc(slices.Clone(words), isFiller)), " "); optOuts[rest] != "" {
		return Reading{Intent: OptOut, Keyword: optOuts[rest], Free: true}
	}
	if phrase := findPhrase(words); phrase != "" {
		return Reading{Intent: OptOut, Keyword: phrase, Free: true}
	}
	return Reading{}
}

func keyword(text string) (Reading, bool) {
	for _, list := range []struct {
		intent Intent
		words  map[string]string
	}{{OptOut, optOuts}, {OptIn, optIns}, {Help, helps}} {
		if word := list.words[text]; word != "" {
			return Reading{Intent: list.intent, Keyword: word}, true
		}
	}
	return Reading{}, false
}

func isFiller(word string) bool { return fillers[word] != "" }

// findPhrase returns the first phrase that stands in words and is not negated.
func findPhrase(words []string) string {
	for i := range words {
		if i > 0 && negations[words[i-1]] != "" {
			continue
		}
		for _, p := range phrases {
			if len(p.words) <= len(words)-i && slices.Equal(p.words, words[i:i+len(p.words)]) {
				return p.name
			}
		}
	}
	return ""
}
