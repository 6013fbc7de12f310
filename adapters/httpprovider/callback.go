package httpprovider

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

// DefaultSignatureHeader carries the signature of a callback.
const DefaultSignatureHeader = "X-Signature"

// maxCallback is the largest callback that is looked at, in bytes.
const maxCallback = 64 << 10

// Callback says how status callbacks read: a JSON document or a form, posted to
// <public URL>/webhooks/<name>/status?m=<message>&a=<attempt>, which a request
// gives away as {callback}.
//
// The signature is the HMAC-SHA-256, keyed with Secret, over that URL, a line feed
// and the body byte for byte, in hex, with or without "sha256=" before it.
type Callback struct {
	Secret      ports.Secret `yaml:"secret"`
	Header      string       `yaml:"header"` // of the signature; "" means X-Signature
	ID          string       `yaml:"id"`     // path of the provider's id of the text
	Status      string       `yaml:"status"` // path of the status word
	Code        string       `yaml:"code"`   // path of the error code
	Delivered   []string     `yaml:"delivered"`
	Undelivered []string     `yaml:"undelivered"` // all other words are progress
}

// minSecret is the least that a signing secret may have, in bytes.
const minSecret = 16

func (c Callback) check() error {
	var faults []error
	if len(c.Secret) < minSecret {
		faults = append(faults, fmt.Errorf("callback.secret: at least %d bytes", minSecret))
	}
	if c.ID == "" || c.Status == "" {
		faults = append(faults, errors.New("callback: needs id and status"))
	}
	if len(c.Delivered) == 0 {
		faults = append(faults, errors.New("callback.delivered: which words say that a text arrived"))
	}
	return errors.Join(faults...)
}

// SignatureHeader returns the name of the header with the signature.
func (c Callback) SignatureHeader() string {
	if c.Header == "" {
		return DefaultSignatureHeader
	}
	return c.Header
}

// Verify reports whether whoever holds the secret signed a callback to url, which
// is the one that the provider was given and never one put together from the Host
// header. There is no time in a signature, so handlers must bear replays.
func (c Callback) Verify(url string, body []byte, signature string) bool {
	got, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil || len(body) > maxCallback {
		return false
	}
	return hmac.Equal(got, c.sign(url, body))
}

func (c Callback) sign(url string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(c.Secret))
	_, _ = io.WriteString(mac, url+"\n")
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// Parse reads the body of a callback whose signature was verified. Attempt,
// Provider and At are for the caller to fill. Errors quote nothing.
func (c Callback) Parse(body []byte) (domain.Receipt, error) {
	read := readForm
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		read = readJSON
	}
	d, err := read(body)
	if err != nil {
		return domain.Receipt{}, errors.New("parsing status callback: neither JSON nor a form")
	}
	r := domain.Receipt{
		ProviderMessageID: d.word(c.ID, idWord),
		ProviderStatus:    d.word(c.Status, statusWord),
		ErrorCode:         d.word(c.Code, codeWord),
	}
	switch {
	case r.ProviderMessageID == "":
		return domain.Receipt{}, errors.New("parsing status callback: no id of the text")
	case r.ProviderStatus == "":
		return domain.Receipt{}, errors.New("parsing status callback: no status")
	case slices.Contains(c.Delivered, r.ProviderStatus):
		r.Result = domain.ReceiptDelivered
	case slices.Contains(c.Undelivered, r.ProviderStatus):
		r.Result = domain.ReceiptUndelivered
	}
	return r, nil
}
