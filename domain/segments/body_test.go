package segments_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pro-sms/prosms/domain/segments"
)

func TestNormaliseTurnsLineEndsIntoNewlinesAndNothingElse(t *testing.T) {
	for body, want := range map[string]string{
		"":                     "",
		"a\r\nb\rc\nd\r\r\n\r": "a\nb\nc\nd\n\n\n",
		" e\u0301 Å\tå ":       " e\u0301 Å\tå ",
	} {
		got := segments.Normalise(body)
		if got != want || segments.Normalise(got) != got {
			t.Errorf("Normalise(%q) = %q, want %q", body, got, want)
		}
	}
}

func TestCheckRefusesWhatCannotBeSent(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       error
	}{
		{"text", "Hello", nil},
		{"lines", "Hello\n\nworld\n", nil},
		{"direction marks and joiners beside text", "\u200fשלום 👨‍👩‍👧", nil},
		{"one digit", "0", nil},
		{"exactly long enough", strings.Repeat("a", 1600), nil},
		{"exactly long enough in emoji", strings.Repeat("😀", 1600), nil},

		{"empty", "", segments.ErrEmpty},
		{"white space", " \n\u00a0\u2003", segments.ErrEmpty},
		{"invisible", "\u200b\ufeff\u2060", segments.ErrEmpty},
		{"one too many", strings.Repeat("a", 1601), segments.ErrTooLong},
		{"one too many in emoji", strings.Repeat("😀", 1601), segments.ErrTooLong},
		{"white space, too long", strings.Repeat(" ", 1601), segments.ErrTooLong},
		{"broken UTF-8", "Hello\xff", segments.ErrDamaged},
		{"a lone surrogate", "Hello\xed\xa0\x80", segments.ErrDamaged},
		{"a replacement character", "Hello\uFFFD", segments.ErrDamaged},
		{"NUL", "Hello\x00", segments.ErrControl},
		{"tab", "a\tb", segments.ErrControl},
		{"escape", "\x1b[31mred", segments.ErrControl},
		{"carriage return", "a\rb", segments.ErrControl},
		{"delete", "a\x7f", segments.ErrControl},
		{"C1", "a\u0085b", segments.ErrControl},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := segments.Check(tt.body); !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Hello\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		body = segments.Normalise(body)
		if segments.Check(body) != nil {
			return
		}
		if !utf8.ValidString(body) || utf8.RuneCountInString(body) > 1600 || strings.TrimSpace(body) == "" || strings.ContainsAny(body, "\x00\t\r\x7f") {
			t.Fatalf("Check passes %q", body)
		}
	})
}
