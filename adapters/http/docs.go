package api

import (
	_ "embed"
	"net/http"

	"github.com/pro-sms/prosms/commands"
)

// The contract, and the page that shows it to people.
var (
	//go:embed openapi.json
	openAPI []byte
	//go:embed docs/docs.html
	docsPage []byte
	//go:embed docs/docs.js
	docsScript []byte
	//go:embed docs/docs.css
	docsStyle []byte
)

// getPage answers with the page, which may load its own two files and the contract
// and nothing else.
func getPage(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	return getFile("text/html; charset=utf-8", docsPage)(w, r, caller)
}

// getFile answers with a file that is part of the program.
func getFile(contentType string, content []byte) handler {
	return func(w http.ResponseWriter, _ *http.Request, _ commands.Caller) error {
		w.Header().Set("Content-Type", contentType)
		if _, err := w.Write(content); err != nil {
			return errGone
		}
		return nil
	}
}
