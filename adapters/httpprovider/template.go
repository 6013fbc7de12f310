package httpprovider

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// placeholder is a word in braces. Other braces stand for themselves.
var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// What a template may name.
const (
	holdTo        = "{to}"        // E.164, "+14155552671"
	holdToDigits  = "{to_digits}" // the same without +
	holdFrom      = "{from}"      // the text's sender, else the configured one
	holdBody      = "{body}"
	holdID        = "{id}"        // of the message
	holdAttempt   = "{attempt}"   // 1 for the first
	holdReference = "{reference}" // "<id>.<attempt>", another one for each attempt
	holdCallback  = "{callback}"  // the URL that the provider is to report to
	holdValidity  = "{validity}"  // seconds until the text expires; empty without an end
)

var (
	placeholders = []string{holdTo, holdToDigits, holdFrom, holdBody, holdID, holdAttempt, holdReference, holdCallback, holdValidity}
	// inPath are those that cannot change what a path means.
	inPath = []string{holdTo, holdToDigits, holdID, holdAttempt, holdReference}
)

// checkTemplate refuses what no text has a value for.
func checkTemplate(template string, allowed []string) error {
	for _, found := range placeholder.FindAllString(template, -1) {
		if !slices.Contains(allowed, found) {
			return fmt.Errorf("%s cannot stand here; these can: %s", found, strings.Join(allowed, " "))
		}
	}
	return nil
}

// values are what the placeholders stand for, for one attempt.
type values map[string]string

func (p *Provider) values(text ports.Text, now time.Time) values {
	attempt := strconv.Itoa(text.Attempt)
	v := values{
		holdTo: string(text.To), holdToDigits: strings.TrimPrefix(string(text.To), "+"),
		holdFrom: string(text.From), holdBody: string(text.Body),
		holdID: text.MessageID, holdAttempt: attempt, holdReference: reference(text),
	}
	if v[holdFrom] == "" {
		v[holdFrom] = p.config.From
	}
	if p.config.PublicURL != "" && p.config.Callback != nil {
		v[holdCallback] = p.config.PublicURL + "/webhooks/" + p.config.Name + "/status?m=" + url.QueryEscape(text.MessageID) + "&a=" + attempt
	}
	if text.ExpiresAt != nil {
		v[holdValidity] = strconv.Itoa(max(1, int(text.ExpiresAt.Sub(now)/time.Second)))
	}
	return v
}

// reference names an attempt towards the provider.
func reference(text ports.Text) string { return text.MessageID + "." + strconv.Itoa(text.Attempt) }

// fill puts values into a template, each through escape.
func (v values) fill(template string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(template, func(found string) string { return escape(v[found]) })
}

func asIs(s string) string { return s }

// fillURL escapes for where a placeholder stands, in the path or in the query.
func (v values) fillURL(template string) string {
	path, query, has := strings.Cut(template, "?")
	path = v.fill(path, url.PathEscape)
	if !has {
		return path
	}
	return path + "?" + v.fill(query, url.QueryEscape)
}

// fillTree fills the strings of a JSON document. Escaping is left to its encoder,
// so that no body can break out of its string. Members that are one placeholder
// without a value are left out.
func (v values) fillTree(tree any) any {
	switch tree := tree.(type) {
	case string:
		return v.fill(tree, asIs)
	case map[string]any:
		filled := make(map[string]any, len(tree))
		for key, value := range tree {
			if template, ok := value.(string); !ok || !v.lacks(template) {
				filled[key] = v.fillTree(value)
			}
		}
		return filled
	case []any:
		filled := make([]any, len(tree))
		for i, value := range tree {
			filled[i] = v.fillTree(value)
		}
		return filled
	}
	return tree
}

// lacks reports whether a template is one placeholder without a value.
func (v values) lacks(template string) bool {
	return slices.Contains(placeholders, template) && v[template] == ""
}

// checkTree checks all templates of a JSON document.
func checkTree(tree any) error {
	switch tree := tree.(type) {
	case string:
		return checkTemplate(tree, placeholders)
	case map[string]any:
		for _, value := range tree {
			if err := checkTree(value); err != nil {
				return err
			}
		}
	case []any:
		for _, value := range tree {
			if err := checkTree(value); err != nil {
				return err
			}
		}
	case map[any]any:
		return fmt.Errorf("the names of members must be strings")
	}
	return nil
}
