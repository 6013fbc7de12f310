package segments

import "strings"

// Smart returns body with its look-alikes (curly quotes, dashes, ellipses, spaces
// of odd width, full-width capitals) replaced by characters of GSM-7. Where that
// does not make all of it GSM-7, or would take more segments than before, it
// returns body unchanged, since nothing would be won.
func Smart(body string) string {
	before := Count(body)
	if before.Encoding == GSM7 {
		return body
	}
	var b strings.Builder
	b.Grow(len(body))
	for _, r := range body {
		if septets(r) > 0 {
			b.WriteRune(r)
			continue
		}
		replacement, ok := lookalike(r)
		if !ok {
			return body
		}
		b.WriteString(replacement)
	}
	if Count(b.String()).Segments > before.Segments {
		return body
	}
	return b.String()
}
