package commands

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
)

// How a value is sealed: AES-256-GCM with a random nonce of 12 bytes before the
// ciphertext, and stream and field as additional data, so that no value can be put
// in the place of another. Numbers are sealed under the subject's key, bodies under
// one derived (HKDF, SHA-256) from the subject's and the day's: destroying either
// erases them.

// dayFormat is how a day is named, in UTC.
const dayFormat = time.DateOnly

func sealValue(aead cipher.AEAD, streamID, field, plain string) []byte {
	sealed := make([]byte, 0, len(plain)+aead.Overhead())
	return aead.Seal(sealed, nil, []byte(plain), additional(streamID, field))
}

// openValue returns false for what was not sealed by aead for this place.
func openValue(aead cipher.AEAD, streamID, field string, sealed []byte) (string, bool) {
	plain, err := aead.Open(nil, nil, sealed, additional(streamID, field))
	return string(plain), err == nil
}

func valueCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("reading data key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func additional(streamID, field string) []byte { return []byte(streamID + "\x00" + field) }

// bodyKey needs both keys.
func bodyKey(subject, day []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, slices.Concat(subject, day), nil, "body", 32)
}

// isNamed reports whether a field's value is looked up by a hash of it: who has texted
// whom is asked of views that hold no numbers.
func isNamed(e events.Event, field string) bool {
	_, ok := e.(events.MessageAccepted)
	return ok && field != "body"
}

// lastDay returns the day by whose key the body of e is sealed: the one on which it
// may still have to be sent.
func lastDay(e events.Event, now time.Time) string {
	if text, ok := e.(events.MessageAccepted); ok && text.SendAt != nil && text.SendAt.After(now) {
		now = *text.SendAt
	}
	return now.UTC().Format(dayFormat)
}
