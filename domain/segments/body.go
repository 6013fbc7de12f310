package segments

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxCharacters is how long a body may be: Twilio's limit (error 21617). It is
// counted in code points, which is how JSON Schema counts maxLength, so that our
// published schema and this check agree.
const MaxCharacters = 1600

// Refusals of a body.
var (
	ErrEmpty   = errors.New("text shows nothing")
	ErrDamaged = errors.New("text was damaged on its way here")
	ErrControl = errors.New("text has control characters")
	ErrTooLong = errors.New("text is too long")
)

// Normalise returns body with CRLF and CR turned into LF, and nothing else
// changed: what is sent and kept as evidence is what was asked for. In
// particular it is not composed (NFC), which would rewrite some characters for
// good; ForcedBy shows the marks that make a text dearer.
func Normalise(body string) string {
	if strings.IndexByte(body, '\r') < 0 {
		return body
	}
	return strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
}

// Check returns why a normalised body cannot be sent, or nil: ErrTooLong beyond
// MaxCharacters; ErrDamaged where it is not UTF-8 or holds U+FFFD, which is what
// decoders put in the place of something they could not read; ErrControl for
// control characters other than the newline; ErrEmpty if there is nothing but
// white space and invisible characters.
func Check(body string) error {
	if len(body) > MaxCharacters*utf8.UTFMax {
		return ErrTooLong
	}
	characters, blank := 0, true
	for _, r := range body {
		characters++
		switch {
		case r == utf8.RuneError:
			return ErrDamaged
		case r != '\n' && unicode.IsControl(r):
			return ErrControl
		case blank:
			blank = unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
		}
	}
	switch {
	case characters > MaxCharacters:
		return ErrTooLong
	case blank:
		return ErrEmpty
	}
	return nil
}
