package commands

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/pro-sms/prosms/domain"
)

// KeySeal seals API keys for a cache that others may read and write: they see
// nothing of a key, cannot make one up, and cannot pass one off as another
// (AES-256-GCM, with the key's id as additional data). When the key was loaded is
// sealed with it, so what is put back later is known to be old.
type KeySeal struct{ aead cipher.AEAD }

// KeySeal returns the seal that all instances of an installation share.
func (l Lookup) KeySeal() KeySeal {
	block, err := aes.NewCipher(l.sum("key cache"))
	if err != nil {
		panic(err) // a SHA-256 is as long as a key has to be
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block size
	}
	return KeySeal{aead}
}

// cachedKey is what is sealed.
type cachedKey struct {
	At  time.Time  `json:"at"`
	Key domain.Key `json:"key"`
}

// Seal returns key as it was loaded at a time.
func (s KeySeal) Seal(id string, key domain.Key, at time.Time) ([]byte, error) {
	plain, err := json.Marshal(cachedKey{at, key})
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // cannot fail: crypto/rand
	return s.aead.Seal(nonce, nonce, plain, []byte(id)), nil
}

// Open returns what was sealed for id; false for anything else.
func (s KeySeal) Open(id string, sealed []byte) (key domain.Key, at time.Time, ok bool) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return domain.Key{}, time.Time{}, false
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(id))
	if err != nil {
		return domain.Key{}, time.Time{}, false
	}
	var cached cachedKey
	if err := json.Unmarshal(plain, &cached); err != nil {
		return domain.Key{}, time.Time{}, false
	}
	return cached.Key, cached.At, true
}
