// Package segments tells how a text travels: in which encoding, and in how many
// parts it is sent and billed. It follows Twilio's message-segment-calculator;
// what the provider reports in the end is the authority.
package segments

import (
	"slices"
	"unicode/utf8"
)

// Encoding is how the characters of a text are written.
type Encoding string

// The encodings of 3GPP TS 23.038. One character outside GSM-7 makes the whole
// text UCS-2.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// What a part holds, in units of its encoding: 140 octets, of which a header of
// 6 links the parts of a longer text (3GPP TS 23.040, 9.2.3.24.1).
const (
	gsm7Alone, gsm7Part = 160, 153 // septets
	ucs2Alone, ucs2Part = 70, 67   // UTF-16 code units
)

// Size is what a text comes to.
type Size struct {
	Encoding Encoding
	Segments int // parts; 1 for the empty text
	Units    int // septets or UTF-16 code units, without headers
}

// Count returns the size of body. Bytes that are not UTF-8 count as U+FFFD.
// It takes well under 1 µs for a short ASCII text.
func Count(body string) Size {
	size := Size{Encoding: GSM7, Segments: 1}
	alone := gsm7Alone
	var gsm bool
	if size.Units, gsm = countSeptets(body); !gsm {
		size.Encoding, size.Units, alone = UCS2, countUTF16(body), ucs2Alone
	}
	if size.Units > alone {
		cut(body, size.Encoding, func(int) { size.Segments++ })
	}
	return size
}

// Split returns the parts of body. Joined they are body; each fits one segment;
// no escape sequence, surrogate pair or grapheme cluster (flag, family, base with
// its marks) is cut, except a cluster that no part could hold.
func Split(body string) []string {
	size := Count(body)
	if size.Segments == 1 {
		return []string{body}
	}
	parts, start := make([]string, 0, size.Segments), 0
	cut(body, size.Encoding, func(at int) {
		parts, start = append(parts, body[start:at]), at
	})
	return append(parts, body[start:])
}

// ForcedBy returns the characters that force body into UCS-2, each once, in the
// order in which they first appear; none if it is GSM-7.
func ForcedBy(body string) []rune {
	var forced []rune
	for _, r := range body {
		if septets(r) == 0 && !slices.Contains(forced, r) {
			forced = append(forced, r)
		}
	}
	return forced
}

func countUTF16(body string) int {
	units := 0
	for _, r := range body {
		units += utf16Units(r)
	}
	return units
}

// utf16Units is 2 for what takes a surrogate pair.
func utf16Units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// width of a character in the bytes of body; of a broken byte, 1.
func width(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
