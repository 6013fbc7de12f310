package segments

// The alphabet of 3GPP TS 23.038, 6.2.1, but for the escape character itself.
const (
	gsm7Basic = "@£$¥èéùìò\nÇØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Extension = "\f^{}\\[~]|" // and the euro sign: each an escape and a character
)

// gsm7Table holds the septets of every character below U+0400, which is all of
// the alphabet but the euro sign. It is never written again.
var gsm7Table = func() (table [0x400]uint8) {
	for _, r := range gsm7Basic {
		table[r] = 1
	}
	for _, r := range gsm7Extension {
		table[r] = 2
	}
	return table
}()

// septets returns what r takes in GSM-7, 1 or 2, and 0 if it has no place there.
func septets(r rune) int {
	switch {
	case r < rune(len(gsm7Table)):
		return int(gsm7Table[r])
	case r == '€':
		return 2
	}
	return 0
}

// countSeptets is false at the first character outside the alphabet.
func countSeptets(body string) (int, bool) {
	total := 0
	for _, r := range body {
		n := septets(r)
		if n == 0 {
			return 0, false
		}
		total += n
	}
	return total, true
}
