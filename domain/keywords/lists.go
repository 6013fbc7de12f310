package keywords

import "strings"

// The lists, by language. They hold whole texts: a text is a keyword if nothing
// else stands in it. What operators of networks act on by themselves comes first
// (Twilio's default keywords; CTIA Messaging Principles, 5.1).
var (
	optOuts = list(
		"STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT", // Twilio
		"OPT OUT|STOP ALL|STOPP|REMOVE",                          // English, and how it is mistyped
		"ARRÊT|ARRÊTER|ARRÊTEZ|DÉSABONNER|DÉSINSCRIRE",           // French
		"BAJA|ALTO|PARAR|CANCELAR|DETENER",                       // Spanish
		"SAIR|PARE|CANCELAR",                                     // Portuguese
		"ABMELDEN|ABBESTELLEN|STOPPEN",                           // German
		"AFMELDEN|UITSCHRIJVEN",                                  // Dutch
		"DISISCRIVI|BASTA",                                       // Italian
		"СТОП|ОТПИСАТЬСЯ|ОТПИСКА",                                // Russian
		"退订|停止|取消订阅",                                             // Chinese
		"停止|配信停止|解除",                                             // Japanese
		"수신거부",                                                   // Korean
	)
	optIns = list("START YES UNSTOP")
	helps  = list("HELP INFO AYUDA AIDE HILFE AIUTO AJUDA HULP POMOC ПОМОЩЬ 帮助 ヘルプ 도움말")

	// fillers change nothing about a keyword: "please stop now".
	fillers = list("PLEASE PLS PLZ NOW IT THIS THAT JUST OK OKAY THANKS THANK YOU KINDLY IMMEDIATELY BITTE MERCI")

	// negations before a phrase turn it into its opposite: "don't stop texting me".
	negations = list("DONT NOT NEVER")

	// phrases opt out wherever they stand in a text.
	phrases = phraseList(
		"STOP TEXTING", "STOP MESSAGING", "STOP SENDING", "STOP CONTACTING", "STOP CALLING", "STOP SPAMMING", "STOP BOTHERING",
		"STOP THE TEXTS", "STOP THE MESSAGES", "STOP THESE TEXTS", "STOP THESE MESSAGES", "STOP ALL TEXTS", "STOP ALL MESSAGES",
		"QUIT TEXTING", "QUIT SENDING", "QUIT MESSAGING",
		"DO NOT TEXT", "DONT TEXT", "DO NOT MESSAGE", "DONT MESSAGE", "DO NOT CONTACT", "DONT CONTACT",
		"DO NOT SEND ME", "DONT SEND ME", "NEVER TEXT ME", "NEVER CONTACT ME",
		"NO MORE TEXTS", "NO MORE MESSAGES", "NO MORE SMS",
		"REMOVE ME", "REMOVE MY NUMBER", "REMOVE THIS NUMBER", "DELETE MY NUMBER", "LOSE MY NUMBER",
		"TAKE ME OFF", "UNSUBSCRIBE ME", "TO UNSUBSCRIBE", "OPT ME OUT", "TO OPT OUT", "TO BE REMOVED", "I REVOKE",
		"REVOKE MY CONSENT", "WITHDRAW MY CONSENT", "LEAVE ME ALONE", "WRONG NUMBER", "WRONG PERSON",
		// Spanish
		"NO ME ENVÍEN MÁS", "NO ME ENVÍES MÁS", "NO ME MANDEN MÁS", "NO ME ESCRIBAN MÁS", "NO MÁS MENSAJES", "NO QUIERO RECIBIR MÁS",
		"DEJA DE ENVIARME", "DEJEN DE ENVIARME", "DEJA DE MANDARME", "DEJEN DE MANDARME", "DEJEN DE ESCRIBIRME", "NÚMERO EQUIVOCADO",
		// French
		"NE M'ENVOYEZ PLUS", "NE M'ENVOIE PLUS", "NE M'ÉCRIVEZ PLUS", "ARRÊTEZ DE M'ENVOYER", "ARRÊTEZ DE M'ÉCRIRE", "NE PLUS RECEVOIR",
		"PLUS DE MESSAGES", "MAUVAIS NUMÉRO",
		// German
		"KEINE NACHRICHTEN MEHR", "KEINE SMS MEHR", "KEINE WEITEREN NACHRICHTEN", "KEINE WEITEREN SMS", "SCHREIBEN SIE MIR NICHT MEHR", "FALSCHE NUMMER",
		// Portuguese
		"NÃO ME ENVIE MAIS", "NÃO ME ENVIEM MAIS", "NÃO QUERO RECEBER MAIS", "PARE DE ME ENVIAR", "PAREM DE ME ENVIAR", "PARE DE ENVIAR", "NÚMERO ERRADO",
		// Italian
		"NON INVIATEMI PIÙ", "NON MANDATEMI PIÙ", "NON SCRIVETEMI PIÙ", "SMETTETE DI SCRIVERMI", "NUMERO SBAGLIATO",
		// Dutch
		"GEEN BERICHTEN MEER", "GEEN SMS MEER", "STUUR ME GEEN BERICHTEN", "VERKEERD NUMMER",
		// Russian
		"НЕ ПИШИТЕ МНЕ", "ХВАТИТ ПИСАТЬ", "БОЛЬШЕ НЕ ПИШИТЕ", "ОШИБЛИСЬ НОМЕРОМ",
	)
)

type phrase struct {
	name  string
	words []string
}

// list reads entries that are separated by spaces or, where "|" stands in the
// line, by that. It maps each one's normal form to its name.
func list(lines ...string) map[string]string {
	entries := map[string]string{}
	for _, line := range lines {
		separator := " "
		if strings.Contains(line, "|") {
			separator = "|"
		}
		for entry := range strings.SplitSeq(line, separator) {
			entries[strings.Join(split(entry), " ")] = entry
		}
	}
	return entries
}

func phraseList(names ...string) []phrase {
	phrases := make([]phrase, len(names))
	for i, name := range names {
		phrases[i] = phrase{name, split(name)}
	}
	return phrases
}
