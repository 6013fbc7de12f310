// Package phone reads the numbers of recipients and senders and gives them back
// in one form. It is pure; its errors quote nothing of what they refuse.
package phone

import (
	"errors"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Refusals, from what cannot be read to what can be read and not be texted.
var (
	ErrSyntax      = errors.New("not written as a phone number")
	ErrNoRegion    = errors.New("number without country code")
	ErrImpossible  = errors.New("no number has this country code and length")
	ErrInvalid     = errors.New("number is not assigned to any line")
	ErrNotTextable = errors.New("line does not take texts")
	ErrSender      = errors.New("neither a number, a short code nor an alphanumeric sender")
)

const (
	maxDigits = 15 // of a number with its country code: ITU-T E.164, 6.1
	maxRaw    = 64 // bytes that are looked at: the digits and room for separators
)

// Parse returns raw in E.164, "+14155552671". It reads digits with an optional
// leading + and the separators space, hyphen, dot and paired parentheses, and
// refuses everything else that the world writes into numbers: "tel:", letters,
// extensions, "(0)", digits of other scripts.
//
// Without a + the number is read as dialled in defaultRegion (ISO 3166, "US"); if
// that is empty, or no region, such numbers are ErrNoRegion. ErrImpossible is a
// wrong length or country code, ErrInvalid a number outside its country's plan,
// ErrNotTextable premium, shared cost, company-wide (UAN) and voicemail numbers.
// Parse of what Parse returned gives it back.
//
// It costs some 10 µs (BenchmarkParse): call it once, where a number enters.
func Parse(raw, defaultRegion string) (string, error) {
	number, kind, err := parse(raw, defaultRegion)
	if err != nil {
		return "", err
	}
	switch kind {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.UAN, phonenumbers.VOICEMAIL:
		return "", ErrNotTextable
	}
	return number, nil
}

// KnownRegion reports whether Parse can use region as its default.
func KnownRegion(region string) bool { return phonenumbers.GetSupportedRegions()[region] }

func parse(raw, defaultRegion string) (string, phonenumbers.PhoneNumberType, error) {
	dialled, err := strip(raw)
	if err != nil {
		return "", phonenumbers.UNKNOWN, err
	}
	if dialled[0] != '+' && !KnownRegion(defaultRegion) {
		return "", phonenumbers.UNKNOWN, ErrNoRegion
	}
	number, err := phonenumbers.Parse(withoutMexican1(dialled), defaultRegion)
	if err != nil {
		return "", phonenumbers.UNKNOWN, ErrImpossible
	}
	kind := phonenumbers.GetNumberType(number)
	switch {
	case kind != phonenumbers.UNKNOWN:
		e164 := phonenumbers.Format(number, phonenumbers.E164)
		if len(e164) > len("+")+maxDigits {
			return "", kind, ErrImpossible // some German ones
		}
		return e164, kind, nil
	case phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE:
		return "", kind, ErrInvalid
	}
	return "", kind, ErrImpossible
}

// withoutMexican1 drops the 1 that came between country code and number of
// Mexican mobiles until 2019 and still stands in many address books.
func withoutMexican1(dialled string) string {
	if national, ok := strings.CutPrefix(dialled, "+521"); ok && len(national) == 10 {
		return "+52" + national
	}
	return dialled
}
