package sandbox

import "unicode/utf16"

// segments estimates how many parts a text is billed as: whole ASCII as GSM-7 in
// 160 or 153, anything else as UCS-2 in 70 or 67. A fake need not know better.
func segments(body string) int {
	one, each, n := 160, 153, len(body)
	for _, r := range body {
		if r > 0x7e {
			one, each, n = 70, 67, len(utf16.Encode([]rune(body)))
			break
		}
	}
	if n <= one {
		return 1
	}
	return (n + each - 1) / each
}
