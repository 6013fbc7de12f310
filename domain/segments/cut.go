package segments

import (
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// cut calls at with the offset in body at which each part but the first begins.
// The body must be too long for one segment.
func cut(body string, encoding Encoding, at func(offset int)) {
	if encoding == GSM7 {
		p := packer{room: gsm7Part, at: at}
		for _, r := range body {
			p.put(utf8.RuneLen(r), septets(r))
		}
		return
	}
	p := packer{room: ucs2Part, at: at}
	for rest := body; rest != ""; {
		cluster := firstCluster(rest)
		rest = rest[len(cluster):]
		if units := countUTF16(cluster); units <= ucs2Part {
			p.put(len(cluster), units)
			continue
		}
		for i, r := range cluster { // dozens of marks on one letter
			p.put(width(cluster[i:]), utf16Units(r))
		}
	}
}

// packer fills parts in order.
type packer struct {
	room   int // units of a part
	used   int // of the present one
	offset int // of what is put next
	at     func(offset int)
}

// put adds what must stay together.
func (p *packer) put(bytes, units int) {
	if p.used+units > p.room {
		p.at(p.offset)
		p.used = 0
	}
	p.used += units
	p.offset += bytes
}

// firstCluster returns the grapheme cluster that s begins with. CRLF counts as two,
// as it does for Twilio.
func firstCluster(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if next, _ := utf8.DecodeRuneInString(s[n:]); first == '\r' || plain(first) && (n == len(s) || plain(next)) {
		return s[:n]
	}
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	return cluster
}

// plain reports whether r is known to combine with no plain neighbour, which
// spares common scripts the full algorithm of UAX #29.
func plain(r rune) bool {
	switch {
	case r < 0x300, // Latin and its punctuation, up to the combining marks
		0x370 <= r && r <= 0x482, 0x48A <= r && r <= 0x52F, // Greek, Cyrillic
		0x2010 <= r && r <= 0x2027,                                                         // dashes, quotes, bullets, ellipsis
		0x3001 <= r && r <= 0x3020, 0x3041 <= r && r <= 0x3096, 0x30A1 <= r && r <= 0x30FA, // Japanese
		0x4E00 <= r && r <= 0x9FFF, // Han
		0xFF01 <= r && r <= 0xFF5E: // full-width ASCII
		return true
	}
	return false
}
