package keywords

import (
	"errors"
	"testing"
)

func TestWordsOfAnInstallationCountBesideTheLists(t *testing.T) {
	var w Words
	for word, intent := range map[string]Intent{"détachez": OptOut, "Rejoindre": OptIn, "socorro": Help, "no molestar": OptOut, "stop": OptOut} {
		if err := w.Add(intent, word); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
	for _, tt := range []struct {
		body string
		want Reading
	}{
		{"Detachez!", Reading{OptOut, "DÉTACHEZ", false}},
		{"no  molestar", Reading{OptOut, "NO MOLESTAR", false}},
		{"REJOINDRE", Reading{OptIn, "REJOINDRE", false}},
		{"¿Socorro?", Reading{Help, "SOCORRO", false}},
		{"STOP", Reading{OptOut, "STOP", false}},
		{"please stop", Reading{OptOut, "STOP", true}},
		{"rejoindre demain", Reading{}},
	} {
		if got := w.Read(tt.body); got != tt.want {
			t.Errorf("Read(%q) = %+v, want %+v", tt.body, got, tt.want)
		}
	}
	if got := (Words{}).Read("socorro"); got != (Reading{}) {
		t.Errorf("without words: %+v", got)
	}
}

func TestAWordThatMeansSomethingElseIsRefused(t *testing.T) {
	var w Words
	if err := w.Add(OptIn, "sí"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		intent Intent
		word   string
		want   error
	}{
		{OptIn, "Stop", ErrMeaning},
		{Help, "please stop", ErrMeaning},
		{OptOut, "yes", ErrMeaning},
		{OptOut, "SI", ErrMeaning},
		{OptOut, "👍", ErrNoWord},
		{OptOut, "", ErrNoWord},
		{OptOut, "one two three four five", ErrNoWord},
		{None, "word", ErrNoWord},
	} {
		if err := w.Add(tt.intent, tt.word); !errors.Is(err, tt.want) {
			t.Errorf("Add(%v, %q) = %v, want %v", tt.intent, tt.word, err, tt.want)
		}
	}
}
