package keywords

import (
	"strings"
	"testing"
)

func TestAKeywordIsATextOfItsOwn(t *testing.T) {
	for _, tt := range []struct {
		body string
		want Reading
	}{
		// What Twilio acts on, and what people make of it.
		{"STOP", Reading{OptOut, "STOP", false}},
		{"sToP", Reading{OptOut, "STOP", false}},
		{"  stop\r\n", Reading{OptOut, "STOP", false}},
		{"Stop.", Reading{OptOut, "STOP", false}},
		{"\"STOP\"", Reading{OptOut, "STOP", false}},
		{"“Stop”", Reading{OptOut, "STOP", false}},
		{"S.T.O.P", Reading{OptOut, "STOP", false}},
		{"STOP 🛑", Reading{OptOut, "STOP", false}},
		{"STOP\ufe0f", Reading{OptOut, "STOP", false}},
		{"ＳＴＯＰ", Reading{OptOut, "STOP", false}},
		{"ST\u200dOP", Reading{OptOut, "STOP", false}},
		{"stopall", Reading{OptOut, "STOPALL", false}},
		{"stop   all", Reading{OptOut, "STOP ALL", false}},
		{"Unsubscribe", Reading{OptOut, "UNSUBSCRIBE", false}},
		{"cancel", Reading{OptOut, "CANCEL", false}},
		{"End", Reading{OptOut, "END", false}},
		{"quit!", Reading{OptOut, "QUIT", false}},
		{"revoke", Reading{OptOut, "REVOKE", false}},
		{"optout", Reading{OptOut, "OPTOUT", false}},
		{"Opt-Out", Reading{OptOut, "OPT OUT", false}},
		{"stopp", Reading{OptOut, "STOPP", false}},
		{"remove", Reading{OptOut, "REMOVE", false}},
		// Other languages, with and without their accents.
		{"Arrêt", Reading{OptOut, "ARRÊT", false}},
		{"arret", Reading{OptOut, "ARRÊT", false}},
		{"arre\u0302t", Reading{OptOut, "ARRÊT", false}},
		{"baja", Reading{OptOut, "BAJA", false}},
		{"¡Alto!", Reading{OptOut, "ALTO", false}},
		{"Abmelden", Reading{OptOut, "ABMELDEN", false}},
		{"стоп", Reading{OptOut, "СТОП", false}},
		{"退订", Reading{OptOut, "退订", false}},
		{"수신거부", Reading{OptOut, "수신거부", false}},

		{"start", Reading{OptIn, "START", false}},
		{"Yes!", Reading{OptIn, "YES", false}},
		{"unstop", Reading{OptIn, "UNSTOP", false}},
		{"HELP", Reading{Help, "HELP", false}},
		{"info?", Reading{Help, "INFO", false}},
		{"¡Ayuda!", Reading{Help, "AYUDA", false}},
		{"hilfe", Reading{Help, "HILFE", false}},
		{"помощь", Reading{Help, "ПОМОЩЬ", false}},
		{"帮助", Reading{Help, "帮助", false}},
		{"도움말", Reading{Help, "도움말", false}},
		{"ヘルプ", Reading{Help, "ヘルプ", false}},
		{"aide moi", Reading{None, "", false}},

		// Free text that says the same.
		{"Stop  please! 👍", Reading{OptOut, "STOP", true}},
		{"please stop", Reading{OptOut, "STOP", true}},
		{"STOP STOP STOP", Reading{OptOut, "STOP", true}},
		{"Please stop texting me", Reading{OptOut, "STOP TEXTING", true}},
		{"I don't know you. Don't text me again", Reading{OptOut, "DONT TEXT", true}},
		{"I don’t want this, remove me from your list", Reading{OptOut, "REMOVE ME", true}},
		{"Wrong number, sorry", Reading{OptOut, "WRONG NUMBER", true}},
		{"I would like to opt out", Reading{OptOut, "TO OPT OUT", true}},
		{"no más mensajes por favor", Reading{OptOut, "NO MÁS MENSAJES", true}},
		{"Keine SMS mehr!!", Reading{OptOut, "KEINE SMS MEHR", true}},
		{"Deja de enviarme mensajes", Reading{OptOut, "DEJA DE ENVIARME", true}},
		{"Arretez de m’écrire svp", Reading{OptOut, "ARRÊTEZ DE M'ÉCRIRE", true}},
		{"Bitte keine weiteren Nachrichten", Reading{OptOut, "KEINE WEITEREN NACHRICHTEN", true}},
		{"nao quero receber mais nada", Reading{OptOut, "NÃO QUERO RECEBER MAIS", true}},
		{"Non scrivetemi più, grazie", Reading{OptOut, "NON SCRIVETEMI PIÙ", true}},
		{"Geen berichten meer aub", Reading{OptOut, "GEEN BERICHTEN MEER", true}},
		{"Не пишите мне больше", Reading{OptOut, "НЕ ПИШИТЕ МНЕ", true}},

		// What is neither.
		{"", Reading{}},
		{"👍", Reading{}},
		{"...", Reading{}},
		{"Yes please, at noon", Reading{}},
		{"Can we stop at the bakery?", Reading{}},
		{"The bus stop is closed", Reading{}},
		{"please don't stop texting me", Reading{}},
		{"do not remove me", Reading{}},
		{"the endless end of it all", Reading{}},
		{"start over", Reading{}},
		{"helpful info", Reading{}},
		{"STOPS", Reading{}},
		{"¿Pueden enviarme más mensajes?", Reading{}},
		{"Schreiben Sie mir bitte", Reading{}},
		{"Quando mi scrivete?", Reading{}},
	} {
		if got := Read(tt.body); got != tt.want {
			t.Errorf("Read(%q) = %+v, want %+v", tt.body, got, tt.want)
		}
	}
}

func TestNoEntryOfTheListsIsEmptyOrInTwoOfThem(t *testing.T) {
	for _, list := range []map[string]string{optOuts, optIns, helps, fillers, negations} {
		for normal, name := range list {
			if normal == "" || name == "" {
				t.Errorf("%q, of normal form %q", name, normal)
			}
		}
	}
	for normal := range optOuts {
		if optIns[normal]+helps[normal]+fillers[normal] != "" {
			t.Errorf("%q is in two lists", normal)
		}
	}
	for _, p := range phrases {
		if len(p.words) < 2 {
			t.Errorf("%q is no phrase", p.name)
		}
	}
}

// FuzzRead: whatever arrives, what is understood stands in our lists, and case and
// punctuation around it change nothing.
func FuzzRead(f *testing.F) {
	for _, body := range []string{"STOP", "please stop", "yes", "arre\u0302t", "\xff", "stop texting me", "ﬀ", "ß"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := Read(body)
		if (got.Intent == None) != (got.Keyword == "") || len(got.Keyword) > 40 {
			t.Fatalf("%+v", got)
		}
		if again := Read("  " + body + " !!"); again != got {
			t.Fatalf("%+v, with punctuation around %+v", got, again)
		}
		if again := Read(strings.Join(split(body), " ")); again.Intent != got.Intent {
			t.Fatalf("%+v, in normal form %+v", got, again)
		}
	})
}
