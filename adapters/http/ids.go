package api

// wellFormed reports whether id could be one of ours: 1 to 64 letters, digits, "_"
// and "-". Nothing else gets into a log, nor to a store, which may choke on it.
func wellFormed(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return id != "" && len(id) <= 64
}
