package httpprovider

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// What of a provider's words may go on into events and logs: nothing that looks
// like a number with + or like a sentence.
var (
	idWord     = regexp.MustCompile(`^[0-9A-Za-z._:~-]{1,128}$`)
	statusWord = regexp.MustCompile(`^[A-Za-z_-]{1,32}$`)
	codeWord   = regexp.MustCompile(`^[0-9A-Za-z._-]{1,48}$`)
)

// document is a decoded answer or callback.
type document struct{ root any }

var errUnreadable = errors.New("unreadable answer")

// readJSON decodes one JSON document; numbers keep their digits.
func readJSON(body []byte) (document, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var d document
	if err := decoder.Decode(&d.root); err != nil || decoder.More() {
		return document{}, errUnreadable
	}
	return d, nil
}

// readForm decodes a form: of a name that comes twice the first counts.
func readForm(body []byte) (document, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return document{}, errUnreadable
	}
	members := make(map[string]any, len(form))
	for name, list := range form {
		members[name] = list[0]
	}
	return document{members}, nil
}

// at follows a path such as "messages.0.id"; "" is the whole document.
func (d document) at(path string) (document, bool) {
	if path == "" {
		return d, d.root != nil
	}
	node := d.root
	for step := range strings.SplitSeq(path, ".") {
		switch inner := node.(type) {
		case map[string]any:
			next, ok := inner[step]
			if !ok {
				return document{}, false
			}
			node = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(inner) {
				return document{}, false
			}
			node = inner[i]
		default:
			return document{}, false
		}
	}
	return document{node}, node != nil
}

// text returns the string or number at a path, "" if there is none or no path.
func (d document) text(path string) string {
	if path == "" {
		return ""
	}
	found, _ := d.at(path)
	switch value := found.root.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// word returns the text at a path if it is one of its kind, else "".
func (d document) word(path string, kind *regexp.Regexp) string {
	if value := d.text(path); kind.MatchString(value) {
		return value
	}
	return ""
}
