package api

import "bytes"

// skip passes over the value at d, in a document known to be well formed.
func (d *decoder) skip() {
	d.next()
	for depth := 0; d.at < len(d.data); {
		switch d.next() {
		case '{', '[':
			depth++
			d.at++
		case '}', ']':
			depth--
			d.at++
		case ',', ':':
			d.at++
		case '"':
			d.at += 1 + closingQuote(d.data[d.at+1:]) + 1
		default:
			d.at += scalarLength(d.data[d.at:])
		}
		if depth == 0 {
			return
		}
	}
}

func closingQuote(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}

func scalarLength(b []byte) int {
	if i := bytes.IndexAny(b, ",:{}[]\" \t\r\n"); i > 0 {
		return i
	}
	return len(b)
}
