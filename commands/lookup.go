package commands

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/pro-sms/prosms/events"
)

// Stream ids begin with what they are the stream of.
const (
	messagePrefix = "msg_"
	consentPrefix = "consent_"
	keyPrefix     = "key_"
	inboundPrefix = "inbound_"
	signInPrefix  = "signin_"

	operatorsStream = "operators" // of all together: who is the last admin is a question to all
)

// Lookup derives stream ids from what must not stand in them: keyed hashes
// (HMAC-SHA-256) that nobody can reverse by trying all numbers without the key.
type Lookup []byte

// EveryTenant stands for all tenants together in a consent: an opt-out by text that
// could be anybody's holds towards each of them.
const EveryTenant = ""

// ConsentStream returns the stream of a number's consent towards a tenant.
func (l Lookup) ConsentStream(tenant string, number events.Personal) string {
	return consentPrefix + hex.EncodeToString(l.sum("consent", tenant, string(number))[:16])
}

// ConsentStreams returns all streams that forbid a tenant to text a number.
func (l Lookup) ConsentStreams(tenant string, number events.Personal) []string {
	return []string{l.ConsentStream(tenant, number), l.ConsentStream(EveryTenant, number)}
}

// Subject returns the id of the person behind a number as a tenant knows them: under
// its key everything personal about them is sealed.
func (l Lookup) Subject(tenant string, number events.Personal) string {
	return hex.EncodeToString(l.sum("subject", tenant, string(number))[:16])
}

// subjectStream returns the stream that tells how often a subject was forgotten.
func subjectStream(subject string) string { return "subject_" + subject }

// inboundID returns the stream of a text to us as one of its tenants sees it. The
// text itself, by which a repeat is known, is that of EveryTenant.
func (l Lookup) inboundID(tenant, providerMessageID string) string {
	return inboundPrefix + hex.EncodeToString(l.sum("inbound", tenant, providerMessageID)[:16])
}

// messageID returns the stream that an idempotency key stands for, so that the
// store itself refuses a second message under the same key.
func (l Lookup) messageID(caller Caller, key string) string {
	realm := "live"
	if caller.Test {
		realm = "test"
	}
	return messagePrefix + hex.EncodeToString(l.sum("message", realm, caller.Tenant, key)[:16])
}

// replyID returns the stream of the answer to what an event tells, so that it has one.
func (l Lookup) replyID(cause string) string {
	return messagePrefix + hex.EncodeToString(l.sum("reply", cause)[:16])
}

// fingerprint tells two requests under one idempotency key apart.
func (l Lookup) fingerprint(request []byte) string {
	return hex.EncodeToString(l.sum("fingerprint", string(request))[:16])
}

// Secret returns what all instances share for purpose and nobody else knows.
func (l Lookup) Secret(purpose string) string {
	return hex.EncodeToString(l.sum("secret", purpose))
}

// sum hashes fields, each preceded by its length, so that no two lists collide.
func (l Lookup) sum(fields ...string) []byte {
	mac := hmac.New(sha256.New, l)
	for _, field := range fields {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(field)))
		mac.Write(n[:])
		mac.Write([]byte(field))
	}
	return mac.Sum(nil)
}
