package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Keys have the format of golang.org/x/mod/sumdb/note, and so have signatures:
// https://c2sp.org/signed-note, algorithm 1, Ed25519.

// ErrSignature says that something bears no signature of the key that was asked for.
var ErrSignature = errors.New("no signature of this key")

const (
	algorithm = 1
	privacy   = "PRIVATE+KEY+"
)

// strict refuses bits that mean nothing, so that no byte of a signature can change.
var strict = base64.StdEncoding.Strict()

// Signer signs heads. The zero Signer signs nothing; it prints as stars.
type Signer struct {
	name string
	key  ed25519.PrivateKey
}

// Verifier knows the signatures of one Signer.
type Verifier struct {
	name string
	key  ed25519.PublicKey
}

// NewSigner makes a signer out of 32 random bytes. The name is that of the
// installation, such as sms.example.com/prosms.
func NewSigner(name string, seed []byte) (Signer, error) {
	if name == "" || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '+' }) {
		return Signer{}, errors.New("a name of visible ASCII characters without +")
	}
	if len(seed) != ed25519.SeedSize {
		return Signer{}, errors.New("a seed of 32 bytes")
	}
	return Signer{name, ed25519.NewKeyFromSeed(seed)}, nil
}

// ParseSigner reads PRIVATE+KEY+name+hash+key. Its error quotes nothing.
func ParseSigner(text string) (Signer, error) {
	rest, private := strings.CutPrefix(text, privacy)
	name, hash, seed, err := parseKey(rest)
	if err != nil || !private {
		return Signer{}, errors.New("a signing key: PRIVATE+KEY+name+hash+key")
	}
	s, err := NewSigner(name, seed)
	if err == nil && s.Verifier().hash() != hash {
		err = errors.New("a signing key whose hash fits")
	}
	return s, err
}

// ParseVerifier reads name+hash+key.
func ParseVerifier(text string) (Verifier, error) {
	name, hash, key, err := parseKey(text)
	v := Verifier{name, key}
	if err != nil || len(key) != ed25519.PublicKeySize || v.hash() != hash {
		return Verifier{}, errors.New("a verifier key: name+hash+key")
	}
	return v, nil
}

func parseKey(text string) (name string, hash uint32, key []byte, err error) {
	name, rest, _ := strings.Cut(text, "+")
	digits, encoded, _ := strings.Cut(rest, "+")
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 8 {
		return "", 0, nil, errors.New("malformed")
	}
	key, err = strict.DecodeString(encoded)
	if err != nil || name == "" || len(key) < 1 || key[0] != algorithm {
		return "", 0, nil, errors.New("malformed")
	}
	return name, uint32(n), key[1:], nil
}

// IsZero reports whether s is no signer.
func (s Signer) IsZero() bool { return s.key == nil }

// String returns stars.
func (Signer) String() string { return "****" }

// GoString returns stars.
func (Signer) GoString() string { return "****" }

// Secret returns s as ParseSigner reads it.
func (s Signer) Secret() string {
	return fmt.Sprintf("%s%s+%08x+%s", privacy, s.name, s.Verifier().hash(), strict.EncodeToString(append([]byte{algorithm}, s.key.Seed()...)))
}

// Verifier returns who knows the signatures of s.
func (s Signer) Verifier() Verifier { return Verifier{s.name, s.key.Public().(ed25519.PublicKey)} }

// String returns v as ParseVerifier reads it.
func (v Verifier) String() string {
	return fmt.Sprintf("%s+%08x+%s", v.name, v.hash(), strict.EncodeToString(append([]byte{algorithm}, v.key...)))
}

// Name returns the name of the key, which is also the origin of its heads.
func (v Verifier) Name() string { return v.name }

// hash tells keys of one name apart.
func (v Verifier) hash() uint32 {
	sum := sha256.Sum256(append([]byte(v.name+"\n"+string(rune(algorithm))), v.key...))
	return binary.BigEndian.Uint32(sum[:])
}

// sign returns text, which ends in a newline, as a signed note.
func (s Signer) sign(text []byte) []byte {
	signature := binary.BigEndian.AppendUint32(nil, s.Verifier().hash())
	signature = append(signature, ed25519.Sign(s.key, text)...)
	return fmt.Appendf(nil, "%s\n— %s %s\n", text, s.name, strict.EncodeToString(signature))
}

// open returns the text of a note that v's signer has signed, maybe among others.
func (v Verifier) open(note []byte) ([]byte, error) {
	text, signatures, _ := bytes.Cut(note, []byte("\n\n"))
	text = append(bytes.Clone(text), '\n')
	signed := false
	for line := range strings.Lines(string(signatures)) {
		rest, begun := strings.CutPrefix(line, "— ")
		rest, whole := strings.CutSuffix(rest, "\n")
		if !begun || !whole {
			return nil, ErrSignature
		}
		encoded, ours := strings.CutPrefix(rest, v.name+" ")
		signature, err := strict.DecodeString(encoded)
		if ours && err == nil && len(signature) == 4+ed25519.SignatureSize && binary.BigEndian.Uint32(signature) == v.hash() {
			signed = signed || ed25519.Verify(v.key, text, signature[4:])
		}
	}
	if !signed {
		return nil, ErrSignature
	}
	return text, nil
}
