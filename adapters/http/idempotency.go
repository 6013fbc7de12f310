package api

import (
	"net/http"
	"strings"
)

// maxIdempotencyKey is the longest Idempotency-Key, in characters.
const maxIdempotencyKey = 255

// idempotencyKey returns the Idempotency-Key header, quoted or bare; empty where
// there is none. It is 1 to 255 printable ASCII characters.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key, ok := unquote(strings.Trim(values[0], " \t"))
	if !ok || len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, unprintable) {
		return "", &refusal{
			status: http.StatusBadRequest, code: "invalid_idempotency_key", detail: "The Idempotency-Key cannot be read.",
			fault: &fault{
				Pointer: "/Idempotency-Key", In: "header", Code: "invalid_idempotency_key",
				Detail: "one value of 1 to 255 printable ASCII characters, quoted or bare",
			},
		}
	}
	return key, nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// unquote reads a string of structured fields (RFC 9651, 3.3.3); what does not
// begin with a quote stands for itself.
func unquote(value string) (string, bool) {
	if !strings.HasPrefix(value, `"`) {
		return value, true
	}
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; c {
		case '"':
			return b.String(), i == len(value)-1
		case '\\':
			if i++; i == len(value) || value[i] != '"' && value[i] != '\\' {
				return "", false
			}
			b.WriteByte(value[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false // the closing quote is missing
}
