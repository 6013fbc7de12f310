package phone

import "strings"

// ParseSender returns what a text may come from: a number in E.164, a short code
// (3 to 8 digits) or an alphanumeric sender (1 to 11 ASCII letters, digits,
// spaces and + - _ &, a letter among them, no space at either end), the latter
// two as they are. Anything else is ErrSender, and a number with its country code
// that is none gets the error that Parse gives it.
func ParseSender(raw string) (string, error) {
	switch {
	case isShortCode(raw), isAlphanumeric(raw):
		return raw, nil
	case !strings.HasPrefix(strings.TrimLeft(raw, " "), "+"):
		return "", ErrSender
	}
	number, _, err := parse(raw, "")
	return number, err
}

// Short codes have 3 to 8 digits.
func isShortCode(raw string) bool {
	if len(raw) < 3 || len(raw) > 8 {
		return false
	}
	for i := range len(raw) {
		if raw[i] < '0' || raw[i] > '9' {
			return false
		}
	}
	return true
}

// isAlphanumeric: 11 characters are what an address field of 20 semi-octets holds
// in GSM-7 (3GPP TS 23.040, 9.1.2.5); the character set is Twilio's AlphaSender's.
func isAlphanumeric(raw string) bool {
	if raw == "" || len(raw) > 11 || strings.Trim(raw, " ") != raw {
		return false
	}
	letter := false
	for i := range len(raw) {
		switch c := raw[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			letter = true
		case '0' <= c && c <= '9', strings.IndexByte(" +-_&", c) >= 0:
		default:
			return false
		}
	}
	return letter
}
