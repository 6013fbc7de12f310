package api

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// next skips white space and returns the byte there; 0 at the end.
func (d *decoder) next() byte {
	for ; d.at < len(d.data); d.at++ {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// text reads the string at d. The result may share memory with the document.
func (d *decoder) text() ([]byte, error) {
	start := d.at + 1
	for i := start; i < len(d.data); i++ {
		switch c := d.data[i]; {
		case c == '"':
			d.at = i + 1
			if text := d.data[start:i]; utf8.Valid(text) {
				return text, nil
			}
			return nil, d.malformed()
		case c == '\\':
			return d.escapedText(start, i)
		case c < ' ':
			d.at = i
			return nil, d.malformed()
		}
	}
	d.at = len(d.data)
	return nil, d.malformed()
}

// escapedText reads on in the string that began at start, from its first escape.
func (d *decoder) escapedText(start, escape int) ([]byte, error) {
	text := append(make([]byte, 0, 2*(escape-start)+32), d.data[start:escape]...)
	for d.at = escape; d.at < len(d.data); {
		switch c := d.data[d.at]; {
		case c == '"':
			d.at++
			if !utf8.Valid(text) {
				return nil, d.malformed()
			}
			return text, nil
		case c == '\\':
			r, ok := d.escape()
			if !ok {
				return nil, d.malformed()
			}
			text = utf8.AppendRune(text, r)
		case c < ' ':
			return nil, d.malformed()
		default:
			text = append(text, c)
			d.at++
		}
	}
	return nil, d.malformed()
}

// escape reads one escape, or a pair of them for a character beyond U+FFFF.
func (d *decoder) escape() (rune, bool) {
	if d.at+1 >= len(d.data) {
		return 0, false
	}
	c := d.data[d.at+1]
	if c == 'u' {
		return d.unicodeEscape()
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return 0, false
	}
	d.at += 2
	return rune("\"\\/\b\f\n\r\t"[i]), true
}

func (d *decoder) unicodeEscape() (rune, bool) {
	r, ok := d.hex()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	low, ok := d.hex()
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, false // half a character
	}
	return r, true
}

// hex reads \uXXXX.
func (d *decoder) hex() (rune, bool) {
	const length = len(`\uXXXX`)
	if d.at+length > len(d.data) || d.data[d.at] != '\\' || d.data[d.at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range d.data[d.at+2 : d.at+length] {
		digit := strings.IndexByte("0123456789abcdefABCDEF", c)
		if digit < 0 {
			return 0, false
		}
		if digit > 0xf {
			digit -= 6
		}
		r = r<<4 | rune(digit)
	}
	d.at += length
	return r, true
}
