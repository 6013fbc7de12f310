package phone_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pro-sms/prosms/domain/phone"
)

func TestParseGivesE164OrSaysWhyNot(t *testing.T) {
	for _, tt := range []struct {
		name, raw, region string
		want              string
		err               error
	}{
		{"E.164", "+14155552671", "", "+14155552671", nil},
		{"separators", "+1 (415) 555-26.71", "", "+14155552671", nil},
		{"spaces around", "  +14155552671 ", "", "+14155552671", nil},
		{"the sandbox's numbers", "+15005550006", "", "+15005550006", nil},
		{"toll free", "+18005551212", "", "+18005551212", nil},
		{"national, in its region", "(415) 555-2671", "US", "+14155552671", nil},
		{"national prefix, in its region", "07400 123456", "GB", "+447400123456", nil},
		{"foreign, dialled from its region", "011 44 7400 123456", "US", "+447400123456", nil},
		{"+ beats the region", "+14155552671", "GB", "+14155552671", nil},
		{"national prefix after the country code", "+330612345678", "", "+33612345678", nil},
		{"Argentine 15 becomes 9", "+54 11 15 2345 6789", "", "+5491123456789", nil},
		{"Mexican 1 of before 2019", "+52 1 55 1234 5678", "", "+525512345678", nil},
		{"Italian zero is kept", "+390612345678", "", "+390612345678", nil},

		{"empty", "", "US", "", phone.ErrSyntax},
		{"plus alone", "+", "US", "", phone.ErrSyntax},
		{"separators alone", " -.", "US", "", phone.ErrSyntax},
		{"two pluses", "++14155552671", "", "", phone.ErrSyntax},
		{"plus inside", "1+4155552671", "US", "", phone.ErrSyntax},
		{"plus in parentheses", "(+1) 4155552671", "", "", phone.ErrSyntax},
		{"tel:", "tel:+14155552671", "", "", phone.ErrSyntax},
		{"whatsapp:", "whatsapp:+14155552671", "", "", phone.ErrSyntax},
		{"letters", "1-800-FLOWERS", "US", "", phone.ErrSyntax},
		{"extension", "+14155552671x12", "", "", phone.ErrSyntax},
		{"extension by comma", "+14155552671,12", "", "", phone.ErrSyntax},
		{"(0)", "+44 (0)7400 123456", "", "", phone.ErrSyntax},
		{"( 0 )", "+44 ( 0 )7400 123456", "", "", phone.ErrSyntax},
		{"empty parentheses", "+1 () 4155552671", "", "", phone.ErrSyntax},
		{"open parenthesis", "+1 (415 5552671", "", "", phone.ErrSyntax},
		{"stray parenthesis", "+1 415) 5552671", "", "", phone.ErrSyntax},
		{"nested parentheses", "+1 ((415)) 5552671", "", "", phone.ErrSyntax},
		{"newline at the end", "+14155552671\n", "", "", phone.ErrSyntax},
		{"tab", "+1\t4155552671", "", "", phone.ErrSyntax},
		{"no-break space", "+1\u00a04155552671", "", "", phone.ErrSyntax},
		{"full-width digits", "+１４１５５５５２６７１", "", "", phone.ErrSyntax},
		{"Arabic digits", "+١٤١٥٥٥٥٢٦٧١", "", "", phone.ErrSyntax},
		{"invalid UTF-8", "+1415555\xff2671", "", "", phone.ErrSyntax},
		{"endless", "+1415555267" + strings.Repeat(" ", 100) + "1", "", "", phone.ErrSyntax},

		{"national, no region", "4155552671", "", "", phone.ErrNoRegion},
		{"national, region that is none", "4155552671", "XX", "", phone.ErrNoRegion},
		{"country code without +", "14155552671", "", "", phone.ErrNoRegion},

		{"too short", "+1415555", "", "", phone.ErrImpossible},
		{"too long", "+141555526711", "", "", phone.ErrImpossible},
		{"far too long", "+1415555267112345678", "", "", phone.ErrImpossible},
		{"longer than E.164 in a country that has such", "+4920100000000000", "", "", phone.ErrImpossible},
		{"no such country", "+9991234567", "", "", phone.ErrImpossible},
		{"country code 0", "+04155552671", "", "", phone.ErrImpossible},
		{"no area code", "555-2671", "US", "", phone.ErrImpossible},
		{"short code as a recipient", "72345", "US", "", phone.ErrImpossible},

		{"drama number", "+447700900123", "", "", phone.ErrInvalid},
		{"area code 555", "+15555550100", "", "", phone.ErrInvalid},

		{"premium rate", "+19002345678", "", "", phone.ErrNotTextable},
		{"shared cost", "+448431234567", "", "", phone.ErrNotTextable},
		{"company-wide", "+445512345678", "", "", phone.ErrNotTextable},
		{"voicemail", "+41860123456789", "", "", phone.ErrNotTextable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.Parse(tt.raw, tt.region)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Parse = %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestParseSenderTakesNumbersShortCodesAndNames(t *testing.T) {
	for _, tt := range []struct {
		name, raw, want string
		err             error
	}{
		{"number", "+1 415 555 2671", "+14155552671", nil},
		{"number that could not be texted", "+19002345678", "+19002345678", nil},
		{"shortest short code", "123", "123", nil},
		{"longest short code", "12345678", "12345678", nil},
		{"name", "ProSMS", "ProSMS", nil},
		{"name of one letter", "X", "X", nil},
		{"name with everything", "A1 b+c-d_e&f", "", phone.ErrSender},
		{"name of 11 characters", "A1 b+c-d_e&", "A1 b+c-d_e&", nil},
		{"name that begins with +", "+Alert", "+Alert", nil},
		{"digits and a letter", "7eleven", "7eleven", nil},

		{"empty", "", "", phone.ErrSender},
		{"spaces", "   ", "", phone.ErrSender},
		{"too short a code", "12", "", phone.ErrSender},
		{"digits without +", "4155552671", "", phone.ErrSender},
		{"short code with separators", "12-345", "", phone.ErrSender},
		{"name too long", "ProSMS Alert", "", phone.ErrSender},
		{"name with a space before", " ProSMS", "", phone.ErrSender},
		{"name with a space after", "ProSMS ", "", phone.ErrSender},
		{"name with an umlaut", "Müller", "", phone.ErrSender},
		{"name with a dot", "shop.com", "", phone.ErrSender},
		{"newline", "ProSMS\n", "", phone.ErrSender},
		{"invalid number", "+447700900123", "", phone.ErrInvalid},
		{"broken number", "+1415555267x", "", phone.ErrSyntax},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := phone.ParseSender(tt.raw)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("ParseSender = %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestRegionsAreKnownByTheirUpperCaseCode(t *testing.T) {
	for region, want := range map[string]bool{"US": true, "GB": true, "us": false, "": false, "001": false, "ZZ": false} {
		if got := phone.KnownRegion(region); got != want {
			t.Errorf("KnownRegion(%q) = %v, want %v", region, got, want)
		}
	}
}

// FuzzParse: what Parse returns, Parse gives back, whatever the region.
func FuzzParse(f *testing.F) {
	for _, raw := range []string{"+14155552671", "(415) 555-2671", "+54 11 15 2345 6789", "+5215512345678", "+390612345678", "0049 30 123456", "tel:1", "+"} {
		f.Add(raw, "US")
	}
	f.Fuzz(func(t *testing.T, raw, region string) {
		number, err := phone.Parse(raw, region)
		if err != nil {
			if number != "" || len(err.Error()) > 80 {
				t.Fatalf("Parse = %q, %v", number, err)
			}
			return
		}
		if len(number) < 8 || len(number) > 16 || number[0] != '+' {
			t.Fatalf("Parse = %q, which is no E.164", number)
		}
		for _, region := range []string{"", region, "DE"} {
			if again, err := phone.Parse(number, region); again != number || err != nil {
				t.Fatalf("Parse(%q, %q) = %q, %v", number, region, again, err)
			}
		}
	})
}

func FuzzParseSender(f *testing.F) {
	for _, raw := range []string{"+14155552671", "12345", "ProSMS", "A B", ""} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		sender, err := phone.ParseSender(raw)
		if err != nil {
			return
		}
		if again, err := phone.ParseSender(sender); again != sender || err != nil {
			t.Fatalf("ParseSender(%q) = %q, %v", sender, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := phone.Parse("+14155552671", ""); err != nil {
			b.Fatal(err)
		}
	}
}
