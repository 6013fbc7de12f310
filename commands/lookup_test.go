package commands

import "testing"

// The answers were computed by other means (Python's hmac). Streams are found by them
// for ever: if this test fails, it is the code that is wrong.
func TestDerivedNamesAreThoseInTheLogs(t *testing.T) {
	l := Lookup("0123456789abcdef0123456789abcdef")
	for _, tt := range []struct{ name, got, want string }{
		{"consent", l.ConsentStream("acme", "+14155552671"), "consent_cf0af2bca7f560a14732cde67e9c143f"},
		{"message", l.messageID(Caller{Tenant: "acme"}, "order-1"), "msg_9ab93068b8e52a4bb582886aef76ed64"},
		{"message of a test key", l.messageID(Caller{Tenant: "acme", Test: true}, "order-1"), "msg_7847cd9983018b0c7cae82877ccb756f"},
		{"fingerprint", l.fingerprint([]byte(`{"to":"+14155552671"}`)), "3ad4d95144e4fc6bea91bd498e1361a3"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestDerivedNamesNeverCollide(t *testing.T) {
	l, other := Lookup("0123456789abcdef0123456789abcdef"), Lookup("1123456789abcdef0123456789abcdef")
	seen := map[string]string{}
	for what, name := range map[string]string{
		"a tenant's number":                     l.ConsentStream("acme", "+14155552671"),
		"another number":                        l.ConsentStream("acme", "+14155552672"),
		"another tenant":                        l.ConsentStream("acm", "+14155552671"),
		"a character moved to the next field":   l.ConsentStream("acme+", "14155552671"),
		"another key":                           other.ConsentStream("acme", "+14155552671"),
		"a message":                             l.messageID(Caller{Tenant: "acme"}, "k"),
		"a message of a test key":               l.messageID(Caller{Tenant: "acme", Test: true}, "k"),
		"a message, a character moved":          l.messageID(Caller{Tenant: "acm"}, "ek"),
		"a message with a NUL between":          l.messageID(Caller{Tenant: "acme\x00"}, "k"),
		"a fingerprint":                         l.fingerprint([]byte("acme")),
		"a fingerprint of the same, in another": other.fingerprint([]byte("acme")),
	} {
		if twin, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %s", what, twin, name)
		}
		seen[name] = what
	}
}
