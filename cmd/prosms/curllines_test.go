package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var (
	curlLine     = regexp.MustCompile(`curl (?:-sS )?(?:-X (\w+) )?\{\{[^}]*\}\}(/v1/\S+?)([ <].*?)</pre>`)
	templated    = regexp.MustCompile(`\{\{[^}]*\}\}`)
	namedInABody = regexp.MustCompile(`"(\w+)":`)
)

func TestEveryCurlLineOfTheAdminPagesIsInTheContract(t *testing.T) {
	contract, err := openapi3.NewLoader().LoadFromFile("../../adapters/http/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../adapters/web/templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range curlLine.FindAllStringSubmatch(string(text), -1) {
			lines++
			method, path, rest := line[1], strings.ReplaceAll(line[2], "{{.verb}}", "pause"), templated.ReplaceAllString(line[3], "")
			_, body, sends := strings.Cut(rest, "-d '")
			switch {
			case method == "" && sends:
				method = "POST"
			case method == "":
				method = "GET"
			}
			called := operation(contract, method, templated.ReplaceAllString(path, "x"))
			if called == nil {
				t.Errorf("%s: no %s %s in the contract", filepath.Base(page), method, path)
				continue
			}
			for _, field := range namedInABody.FindAllStringSubmatch(body, -1) {
				if called.RequestBody == nil || called.RequestBody.Value.Content["application/json"].Schema.Value.Properties[field[1]] == nil {
					t.Errorf("%s: %s %s takes no %s", filepath.Base(page), method, path, field[1])
				}
			}
		}
	}
	if lines < 14 {
		t.Errorf("only %d lines were found", lines)
	}
}

// operation returns what the contract says of a call; nil: nothing.
func operation(contract *openapi3.T, method, path string) *openapi3.Operation {
	for template, item := range contract.Paths.Map() {
		fits := regexp.MustCompile(`^` + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(template, `[^/]+`) + `$`)
		if fits.MatchString(path) && item.GetOperation(method) != nil {
			return item.GetOperation(method)
		}
	}
	return nil
}
