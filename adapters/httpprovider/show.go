package httpprovider

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// hidden stands for what is the same in every request and may be a secret.
const hidden = "••••"

// Show tells people what Send asks for an attempt that begins at a time: made anew
// from the present configuration. What no placeholder stands in is hidden, as it may
// be a secret, and so are all headers. What is personal in text is shown as it is
// given: give masks.
func (p *Provider) Show(text ports.Text, at time.Time) string {
	v, r := p.values(text, at), p.config.Request
	var out strings.Builder
	path, query, _ := strings.Cut(r.URL, "?")
	fmt.Fprintf(&out, "%s %s\n", cmp.Or(r.Method, http.MethodPost), v.fill(path, url.PathEscape))
	for part := range strings.SplitSeq(query, "&") {
		if name, template, has := strings.Cut(part, "="); has {
			fmt.Fprintf(&out, "?%s: %s\n", name, v.show(template))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Form)) {
		if !v.lacks(r.Form[name]) {
			fmt.Fprintf(&out, "%s: %s\n", name, v.show(r.Form[name]))
		}
	}
	if len(r.JSON) > 0 {
		encoder := json.NewEncoder(&out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if encoder.Encode(v.showTree(r.JSON)) != nil {
			return "" // Send cannot encode it either
		}
	}
	return out.String()
}

// show fills a template that has a placeholder, and hides others.
func (v values) show(template string) string {
	if !placeholder.MatchString(template) {
		return hidden
	}
	return v.fill(template, asIs)
}

// showTree is fillTree by show.
func (v values) showTree(tree any) any {
	switch tree := tree.(type) {
	case string:
		return v.show(tree)
	case map[string]any:
		shown := make(map[string]any, len(tree))
		for name, value := range tree {
			if template, ok := value.(string); !ok || !v.lacks(template) {
				shown[name] = v.showTree(value)
			}
		}
		return shown
	case []any:
		shown := make([]any, len(tree))
		for i, value := range tree {
			shown[i] = v.showTree(value)
		}
		return shown
	}
	return tree
}
