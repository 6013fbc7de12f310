package phone

// strip returns the digits of raw, and its leading +. The library would read far
// more than we want to: letters, full-width digits, "whatsapp:", extensions.
func strip(raw string) (string, error) {
	if len(raw) > maxRaw {
		return "", ErrSyntax
	}
	digits := make([]byte, 0, len(raw))
	open := -1 // where in digits the open parenthesis began
	for i := range len(raw) {
		switch c := raw[i]; {
		case '0' <= c && c <= '9':
			digits = append(digits, c)
		case c == '+' && len(digits) == 0 && open < 0:
			digits = append(digits, c)
		case c == '(' && open < 0:
			open = len(digits)
		case c == ')' && open >= 0:
			if group := string(digits[open:]); group == "" || group == "0" {
				return "", ErrSyntax // "+44 (0)20": dial either +44 or 0, we cannot know which was meant
			}
			open = -1
		case c == ' ', c == '-', c == '.':
		default:
			return "", ErrSyntax
		}
	}
	if open >= 0 || len(digits) == 0 || string(digits) == "+" {
		return "", ErrSyntax
	}
	return string(digits), nil
}
