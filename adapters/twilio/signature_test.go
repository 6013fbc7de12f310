package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/twilio/twilio-go/client"

	"github.com/pro-sms/prosms/adapters/twilio"
)

// Vectors: 1 to 4 are Twilio's, from its SDKs and documentation; 5 to 7 are ours,
// of raw bodies as they come over the wire. The token of all is "12345".
const (
	voiceURL  = "https://mycompany.com/myapp.php?foo=1&bar=2"
	statusURL = "https://sms.example.com/webhooks/twilio/status?m=msg-1&a=2"
	statusA   = "AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&ApiVersion=2010-04-01&From=%2B15005550006&MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered&SmsSid=SM0123456789abcdef0123456789abcdef&SmsStatus=delivered&To=%2B14155552671"
	inboundB  = "Body=Stop++please%21+%F0%9F%91%8D&From=%2B14155552671&FromCity=&MessageSid=SM0123456789abcdef0123456789abcdef&To=%2B15005550006"
	sigA      = "/GYTZ/AjyVsdAZI7GYmAbjC/92I="
)

var vectors = []struct{ name, url, body, signature string }{
	{"1", voiceURL, form("CallSid", "CA1234567890ABCDE", "Caller", "+12349013030", "Digits", "1234", "From", "+12349013030", "To", "+18005551212"), "0/KCTR6DLpKmkAf8muzZqo1nDgQ="},
	{"2", "https://example.com/myapp.php?foo=1&bar=2", form("Digits", "1234", "To", "+18005551212", "From", "+14158675310", "Caller", "+14158675310", "CallSid", "CA1234567890ABCDE"), "L/OH5YylLD5NRKLltdqwSvS0BnU="},
	{"3", voiceURL, form("Digits", "1234", "CallSid", "CA1234567890ABCDE", "To", "+18005551212", "Caller", "+14158675309", "From", "+14158675309", "ReasonConferenceEnded", "test", "Reason", "Participant"), "vOEb5UThFn24KEfnOFLQY2AE5FY="},
	{"4", voiceURL + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620", `{"property": "value", "boolean": true}`, "a9nBmqA0ju/hNViExpshrM61xv4="},
	{"5", statusURL, statusA, sigA},
	{"6", strings.Replace(statusURL, ".com", ".com:8443", 1), statusA, "DiSWU4GwtfmIQ/Qqmg5E790DPms="},
	{"7", "https://sms.example.com/webhooks/twilio/inbound", inboundB, "uWWL2fbduEcuW3G4gzeuuzw/IBw="},
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if !twilio.VerifySignature([]string{"12345"}, v.url, []byte(v.body), v.signature) {
				t.Error("refused")
			}
			if !twilio.VerifySignature([]string{"new", "12345"}, v.url, []byte(v.body), v.signature) {
				t.Error("refused during a rotation")
			}
			if twilio.VerifySignature([]string{"54321", ""}, v.url, []byte(v.body), v.signature) {
				t.Error("accepted with another token")
			}
			for i := range v.body {
				if tampered := v.body[:i] + "~" + v.body[i+1:]; twilio.VerifySignature([]string{"12345"}, v.url, []byte(tampered), v.signature) {
					t.Fatalf("accepted with byte %d of the body changed", i)
				}
			}
			for i := range v.url {
				if tampered := v.url[:i] + "~" + v.url[i+1:]; twilio.VerifySignature([]string{"12345"}, tampered, []byte(v.body), v.signature) {
					t.Fatalf("accepted with byte %d of the URL changed", i)
				}
			}
		})
	}
}

// signed is Twilio's signature over a URL and what follows it.
func signed(token, what string) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(what))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestSignatureTraps(t *testing.T) {
	t.Parallel()
	const u = "https://sms.example.com/status?m=1"
	for _, tt := range []struct {
		name, url, body, signature string
		want                       bool
	}{
		{"the fragment is not signed", statusURL + "#rc=5&rp=all", statusA, sigA, true},
		{"credentials are not signed", strings.Replace(statusURL, "https://", "https://user:p@ss@", 1), statusA, sigA, true},
		{"an @ in the query is no credential", u + "&x=a@b", "A=1", signed("12345", u+"&x=a@bA1"), true},
		{"the standard port may be signed", u, "A=1", signed("12345", "https://sms.example.com:443/status?m=1A1"), true},
		{"http has another", "http://h/", "A=1", signed("12345", "http://h:80/A1"), true},
		{"a port may be left out", "https://h:8443/", "A=1", signed("12345", "https://h/A1"), true},
		{"an IPv6 address has colons and no port", "https://[2001:db8::1]/", "A=1", signed("12345", "https://[2001:db8::1]:443/A1"), true},
		{"another port is another URL", "https://h:8443/", "A=1", signed("12345", "https://h:8444/A1"), false},
		{"the case of the host counts", strings.ToUpper(u[:20]) + u[20:], "A=1", signed("12345", u+"A1"), false},
		{"names are sorted, not joined pairs", u, "ab=1&a=z", signed("12345", u+"azab1"), true},
		{"joined pairs sorted are refused", u, "ab=1&a=z", signed("12345", u+"ab1az"), false},
		{"capitals come first", u, "b=1&B=2", signed("12345", u+"B2b1"), true},
		{"empty values count", u, "B=&A=1", signed("12345", u+"A1B"), true},
		{"a name without = counts", u, "B&A=1", signed("12345", u+"A1B"), true},
		{"values are signed decoded", u, "A=%2B1+%F0%9F%91%8D", signed("12345", u+"A+1 👍"), true},
		{"of repeated names the first counts", u, "A=1&A=2", signed("12345", u+"A1"), true},
		{"and not the last", u, "A=1&A=2", signed("12345", u+"A2"), false},
		{"a raw semicolon is refused", u, "A=1;B=2", signed("12345", u+"A1;B2"), false},
		{"bad escapes are refused", u, "A=%zz", signed("12345", u+"A%zz"), false},
		{"an empty body", u, "", signed("12345", u), true},
		{"a body hash that is not the body's", u + "&bodySHA256=" + strings.Repeat("00", 32), "{}", signed("12345", u+"&bodySHA256="+strings.Repeat("00", 32)), false},
		{"a body hash that is no hash", u + "&bodySHA256=zz", "{}", signed("12345", u+"&bodySHA256=zz"), false},
		{"no signature", u, "A=1", "", false},
		{"a signature that is no base64", u, "A=1", "%%%", false},
		{"a signature cut short", u, "A=1", signed("12345", u+"A1")[:20], false},
		{"a body beyond 64 KiB", u, "A=" + strings.Repeat("x", 64<<10), signed("12345", u+"A"+strings.Repeat("x", 64<<10)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := twilio.VerifySignature([]string{"12345"}, tt.url, []byte(tt.body), tt.signature); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAnEmptyTokenNeverVerifies(t *testing.T) {
	t.Parallel()
	const u = "https://h/"
	if twilio.VerifySignature([]string{""}, u, nil, signed("", u)) || twilio.VerifySignature(nil, u, nil, signed("", u)) {
		t.Error("a request signed with nothing was accepted")
	}
}

// FuzzVerifySignature compares with Twilio's validator, which sorts, joins and
// tries ports the same way, on URLs without what only we strip.
func FuzzVerifySignature(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.url, []byte(v.body), v.signature)
	}
	f.Add(statusURL, []byte("A=1;B=2"), sigA)
	f.Fuzz(func(t *testing.T, u string, body []byte, signature string) {
		got := twilio.VerifySignature([]string{"12345"}, u, body, signature)
		if !got {
			return
		}
		oracle := client.NewRequestValidator("12345")
		plain, _, _ := strings.Cut(u, "#")
		if parsed, err := url.Parse(plain); err != nil || parsed.User != nil {
			return // a URL that only we take
		}
		if !oracle.ValidateBody(plain, body, signature) {
			t.Errorf("accepted %q with %q; Twilio's validator refuses", u, body)
		}
	})
}
