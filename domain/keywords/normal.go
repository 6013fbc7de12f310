package keywords

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// split returns the words of text in a normal form: compatible characters are one
// (full-width letters, ligatures), upper case, without accents, without what is
// neither letter nor digit. Apostrophes join ("don't" is DONT), everything else
// of that kind divides.
func split(text string) []string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToUpper(r)
		case unicode.Is(unicode.M, r), unicode.Is(unicode.Cf, r), strings.ContainsRune("'’‘`´", r):
			return -1 // accents, variation selectors, joiners; NFKD has taken them off their letters
		}
		return ' '
	}, norm.NFKD.String(text))
	return strings.Fields(text)
}
