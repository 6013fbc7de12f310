package segments_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/pro-sms/prosms/domain/segments"
)

// vectors are what Twilio's message-segment-calculator says of each body (see
// testdata/LICENSE).
func vectors(t testing.TB) (all []vector) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &all); err != nil || len(all) == 0 {
		t.Fatalf("reading %d vectors: %v", len(all), err)
	}
	return all
}

type vector struct {
	Name     string            `json:"name"`
	Body     string            `json:"body"`
	Encoding segments.Encoding `json:"encoding"`
	Segments int               `json:"segments"`
}

func TestCountAgreesWithTwilio(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			if got := segments.Count(v.Body); got.Encoding != v.Encoding || got.Segments != v.Segments {
				t.Errorf("Count = %+v, want %d of %s", got, v.Segments, v.Encoding)
			}
		})
	}
}

func TestCountKeepsTogetherWhatIsOneCharacterToPeople(t *testing.T) {
	a := strings.Repeat
	for _, tt := range []struct {
		name, body string
		want       segments.Size
	}{
		{"nothing", "", segments.Size{Encoding: segments.GSM7, Segments: 1}},
		{"escape pair at the end of a part", a("a", 152) + "€" + a("a", 10), segments.Size{Encoding: segments.GSM7, Segments: 2, Units: 164}},
		{"153 euro signs", a("€", 153), segments.Size{Encoding: segments.GSM7, Segments: 3, Units: 306}},
		{"flag at the end of a part", a("a", 66) + "🇮🇹" + a("a", 64), segments.Size{Encoding: segments.UCS2, Segments: 3, Units: 134}},
		{"letters with marks", a("e\u0301", 67), segments.Size{Encoding: segments.UCS2, Segments: 3, Units: 134}},
		{"CRLF is two characters", a("ж", 66) + "\r\n" + a("ж", 66), segments.Size{Encoding: segments.UCS2, Segments: 2, Units: 134}},
		{"more marks than a part holds", "e" + a("\u0301", 133), segments.Size{Encoding: segments.UCS2, Segments: 2, Units: 134}},
		{"broken UTF-8", "a\xff\xfe", segments.Size{Encoding: segments.UCS2, Segments: 1, Units: 3}},
		{"the longest of all", a("😀", segments.MaxCharacters), segments.Size{Encoding: segments.UCS2, Segments: 49, Units: 3200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := segments.Count(tt.body); got != tt.want {
				t.Errorf("Count = %+v, want %+v", got, tt.want)
			}
			checkParts(t, tt.body)
		})
	}
}

func TestForcedByNamesEachCharacterOnce(t *testing.T) {
	for body, want := range map[string]string{
		"Hello €uro ~ ñ à":    "",
		"“Olá” – `x`, olá \t": "“á”–`\t",
		"çÇ":                  "ç",
		"é e\u0301":           "\u0301",
		"\xff":                "\uFFFD",
		"one 😀 and 😀 and family 👨‍👩‍👧": "😀👨\u200d👩👧",
	} {
		if got := string(segments.ForcedBy(body)); got != want {
			t.Errorf("ForcedBy(%q) = %q, want %q", body, got, want)
		}
	}
}

// checkParts holds Split to its promises.
func checkParts(t *testing.T, body string) {
	t.Helper()
	size, parts := segments.Count(body), segments.Split(body)
	if got := strings.Join(parts, ""); got != body {
		t.Fatalf("parts of %q join to %q", body, got)
	}
	if len(parts) != size.Segments {
		t.Fatalf("%q has %d parts, and %d segments", body, len(parts), size.Segments)
	}
	room := map[segments.Encoding]int{segments.GSM7: 153, segments.UCS2: 67}[size.Encoding]
	if len(parts) == 1 {
		room = map[segments.Encoding]int{segments.GSM7: 160, segments.UCS2: 70}[size.Encoding]
	}
	total := 0
	for _, part := range parts {
		units := unitsOf(part, size.Encoding)
		if units > room || (units == 0 && body != "") {
			t.Fatalf("part %q of %q has %d units", part, body, units)
		}
		total += units
	}
	if total != size.Units {
		t.Fatalf("%q has %d units, its parts %d", body, size.Units, total)
	}
	checkCuts(t, body, parts)
}

// checkCuts asks uniseg, over the whole body, whether clusters were cut.
func checkCuts(t *testing.T, body string, parts []string) {
	t.Helper()
	cuts, at := map[int]bool{}, 0
	for _, part := range parts[:len(parts)-1] {
		at += len(part)
		cuts[at] = true
	}
	for g := uniseg.NewGraphemes(body); g.Next(); {
		start, end := g.Positions()
		if g.Str() == "\r\n" || unitsOf(g.Str(), segments.UCS2) > 67 {
			continue
		}
		for i := start + 1; i < end; i++ {
			if cuts[i] {
				t.Fatalf("cluster %q of %q is cut", g.Str(), body)
			}
		}
	}
	for i := range cuts {
		if utf8.ValidString(body) && !utf8.RuneStart(body[i]) {
			t.Fatalf("%q is cut within a character", body)
		}
	}
}

// unitsOf counts by other means than the code under test.
func unitsOf(part string, encoding segments.Encoding) int {
	if encoding == segments.UCS2 {
		return len(utf16.Encode([]rune(part)))
	}
	units := utf8.RuneCountInString(part)
	for _, r := range "\f^{}\\[~]|€" {
		units += strings.Count(part, string(r))
	}
	return units
}

func FuzzSplit(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Body, 1)
	}
	f.Add("e\u0301", 67)
	f.Add("🇮🇹🇮🇹", 40)
	f.Add("\r\n한국어각", 30)
	f.Add("क्षि ", 30)
	f.Add("#\ufe0f\u20e3жЖ", 30)
	f.Fuzz(func(t *testing.T, body string, times int) {
		checkParts(t, strings.Repeat(body, min(max(times, 1), 80)))
	})
}

func TestPlainNeighboursNeverFormACluster(t *testing.T) {
	var plain []rune
	for r := range rune(0x10000) {
		if segments.Plain(r) {
			plain = append(plain, r)
		}
	}
	if len(plain) < 20000 {
		t.Fatalf("%d plain characters", len(plain))
	}
	neighbours := []rune{'a', ' ', '\n', '\r', '©', 'ж', '中', 'あ', '！'}
	for _, r := range plain {
		for _, n := range neighbours {
			for _, pair := range []string{string([]rune{r, n}), string([]rune{n, r})} {
				if pair != "\r\n" && uniseg.GraphemeClusterCount(pair) != 2 {
					t.Fatalf("%q is one cluster", pair)
				}
			}
		}
	}
}

func Example() {
	body := "Ciao 👋 " + strings.Repeat("ci vediamo domani ", 5)
	fmt.Println(segments.Count(body))
	fmt.Println(len(segments.Split(body)), "parts, because of", string(segments.ForcedBy(body)))
	fmt.Println(segments.Count(strings.ReplaceAll(body, "👋", "!")))
	// Output:
	// {UCS-2 2 98}
	// 2 parts, because of 👋
	// {GSM-7 1 97}
}

func BenchmarkCheckAndCount(b *testing.B) {
	for _, bb := range []struct{ name, body string }{
		{"60 ASCII", "Your code is 123456. It is valid for 5 minutes. Thank you!!!"},
		{"1600 ASCII", strings.Repeat("Lorem ip", 200)},
		{"70 Han", strings.Repeat("汉", 70)},
		{"670 Han", strings.Repeat("汉", 670)},
		{"1600 marks", "e" + strings.Repeat("\u0301", 1599)},
		{"300 emoji", strings.Repeat("👨‍👩‍👧", 60)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				body := segments.Normalise(bb.body)
				if err := segments.Check(body); err != nil {
					b.Fatal(err)
				}
				if segments.Count(body).Segments == 0 {
					b.Fatal("no segments")
				}
			}
		})
	}
}

func TestCountingAShortASCIITextTakesNoMemory(t *testing.T) {
	body := strings.Repeat("abcdef", 10)
	if n := testing.AllocsPerRun(100, func() { segments.Count(segments.Normalise(body)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
