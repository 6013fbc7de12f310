package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// maxWebhook is the largest webhook body that is looked at, in bytes.
const maxWebhook = 64 << 10

// VerifySignature reports whether Twilio, holding one of authTokens, signed this
// request: url is the one that Twilio was given (scheme, host, port, path, query),
// never one put together from the Host header, rawBody the body byte for byte, and
// signature the value of X-Twilio-Signature. During a rotation pass both tokens.
//
// A body whose parameters cannot be read, such as one with a raw semicolon, is
// refused. Of repeated parameters the first alone is signed; ParseStatus reads the
// first too. There is no time in a signature, so handlers must bear replays.
func VerifySignature(authTokens []string, url string, rawBody []byte, signature string) bool {
	want, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(want) != sha1.Size || len(rawBody) > maxWebhook {
		return false
	}
	url, query := signedURL(url)
	params, ok := signedParams(query, rawBody)
	if !ok {
		return false
	}
	for _, token := range authTokens {
		for _, u := range withAndWithoutPort(url) {
			if token != "" && hmac.Equal(want, sign(token, u, params)) {
				return true
			}
		}
	}
	return false
}

func sign(token, url, params string) []byte {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, url)
	_, _ = io.WriteString(mac, params)
	return mac.Sum(nil)
}

// signedURL returns what is signed of a URL, all but fragment and credentials, and
// the raw query. It works on bytes: parsing and printing could change them.
func signedURL(raw string) (signed, query string) {
	raw, _, _ = strings.Cut(raw, "#")
	_, query, _ = strings.Cut(raw, "?")
	scheme, host, rest := splitURL(raw)
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	return scheme + host + rest, query
}

// splitURL cuts a URL into "https://", "host:port" and the rest.
func splitURL(raw string) (scheme, host, rest string) {
	start := strings.Index(raw, "://")
	if start < 0 {
		return "", "", raw
	}
	start += len("://")
	end := strings.IndexAny(raw[start:], "/?")
	if end < 0 {
		return raw[:start], raw[start:], ""
	}
	return raw[:start], raw[start : start+end], raw[start+end:]
}

// withAndWithoutPort returns url as it is, without its port, or with the one that
// its scheme stands for: Twilio's products differ in which they sign.
func withAndWithoutPort(url string) []string {
	scheme, host, rest := splitURL(url)
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i+1:]
	}
	switch {
	case port != "":
		return []string{url, scheme + name + rest}
	case scheme == "https://":
		return []string{url, scheme + name + ":443" + rest}
	}
	return []string{url, scheme + name + ":80" + rest}
}

// signedParams returns what is signed after the URL. A form's parameters are
// sorted by name, never as joined pairs, and then joined decoded, empty values
// included. Any other body is vouched for by its hash in the URL.
func signedParams(query string, rawBody []byte) (string, bool) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", false
	}
	if hash := values.Get("bodySHA256"); hash != "" {
		sum := sha256.Sum256(rawBody)
		want, err := hex.DecodeString(hash)
		return "", err == nil && hmac.Equal(want, sum[:])
	}
	form, err := url.ParseQuery(string(rawBody))
	if err != nil {
		return "", false
	}
	var joined strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		joined.WriteString(name)
		joined.WriteString(form[name][0])
	}
	return joined.String(), true
}
