package events

// alphabet says of each byte whether it belongs to it.
type alphabet [256]bool

func alphabetOf(letters string) *alphabet {
	var a alphabet
	for i := range len(letters) {
		a[letters[i]] = true
	}
	return &a
}

// all reports whether text is made of a alone.
func (a *alphabet) all(text string) bool {
	for i := range len(text) {
		if !a[text[i]] {
			return false
		}
	}
	return true
}

const (
	lowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"
	upper          = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var (
	names          = alphabetOf(lowerAndDigits + "_-/") // of what names a key, or a number
	base64Alphabet = alphabetOf(lowerAndDigits + upper + "+/=")
	plain          = alphabetOf(lowerAndDigits + upper + " !#$%'()*+,-./:;=?@[]^_`{|}~") // of ASCII what encoding/json does not escape
)
