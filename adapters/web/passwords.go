package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
)

// Cost of a hash: the OWASP Password Storage Cheat Sheet's first choice.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2
	hashThreads = 1
	hashLength  = 32
	saltLength  = 16
)

// Bounds of a password in characters.
const (
	minPassword = 12
	maxPassword = 200
)

// passwords hashes and compares them, few at once so that guessing does not
// take the memory of sending.
type passwords struct {
	lookup commands.Lookup
	slots  chan struct{}
	decoy  events.PasswordHash // what an unknown name is compared with, so that it takes as long
}

func newPasswords(lookup commands.Lookup) passwords {
	p := passwords{lookup: lookup, slots: make(chan struct{}, 2)}
	p.decoy = p.encode(rand.Text(), make([]byte, saltLength))
	return p
}

// acceptable reports whether a password is long enough to be one.
func acceptable(password string) bool {
	n := utf8.RuneCountInString(password)
	return n >= minPassword && n <= maxPassword
}

// hash returns the stored form of a password (PHC string format).
func (p passwords) hash(ctx context.Context, password string) (events.PasswordHash, error) {
	if err := p.take(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.slots }()
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // cannot fail: crypto/rand
	return p.encode(password, salt), nil
}

func (p passwords) take(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p passwords) encode(password string, salt []byte) events.PasswordHash {
	sum := argon2.IDKey(p.lookup.Pepper(password), salt, hashTime, hashMemory, hashThreads, hashLength)
	b64 := base64.RawStdEncoding
	return events.PasswordHash(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads, b64.EncodeToString(salt), b64.EncodeToString(sum)))
}

// match reports whether password is the one that was stored; nothing matches none.
func (p passwords) match(ctx context.Context, stored events.PasswordHash, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = p.decoy
	}
	var memory, time uint32
	var threads uint8
	var version int
	parts := strings.Split(string(stored), "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("reading a password's hash: malformed")
	}
	_, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &threads)
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	want, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || saltErr != nil || sumErr != nil || memory > 1<<20 || time < 1 || time > 20 || threads < 1 || len(want) == 0 || len(want) > 64 {
		return false, fmt.Errorf("reading a password's hash: malformed")
	}
	if err := p.take(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.slots }()
	got := argon2.IDKey(p.lookup.Pepper(password), salt, time, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}
