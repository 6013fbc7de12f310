package projections

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/pro-sms/prosms/events"
)

// errorGroup names errors that are alike: of the same class and code, and with a
// detail that differs in nothing but numbers and identifiers. The names are in
// rows and in clients' queries; a change of the rule means a rebuild.
func errorGroup(e events.MessageDeadLettered) string {
	sum := sha256.Sum256([]byte(e.Class + "\x00" + e.Code + "\x00" + normalised(e.Detail)))
	return hex.EncodeToString(sum[:8])
}

// normalised returns detail in lower case, with single spaces, and with "#" for
// every word that has a digit.
func normalised(detail string) string {
	words := strings.Fields(strings.ToLower(detail))
	for i, word := range words {
		if strings.ContainsAny(word, "0123456789") {
			words[i] = "#"
		}
	}
	return strings.Join(words, " ")
}
