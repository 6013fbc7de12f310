package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestTheContractIsValid(t *testing.T) {
	document := contract(t).document
	if err := document.Validate(t.Context()); err != nil || !document.IsOpenAPI31OrLater() {
		t.Errorf("version %s: %v", document.OpenAPI, err)
	}
}

func TestThePageLoadsNothingFromOutside(t *testing.T) {
	w := newWorld(t)
	page := w.do("GET", "/docs", "", "Authorization:")
	policy := page.header.Get("Content-Security-Policy")
	if page.status != http.StatusOK || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("answer %d, policy %s", page.status, policy)
	}
	loaded := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(loaded) < 3 {
		t.Fatalf("the page loads %v", loaded)
	}
	everything := page.body
	for _, match := range loaded {
		if match[1] == "data:," { // no icon
			continue
		}
		a := w.do("GET", match[1], "", "Authorization:")
		if a.status != http.StatusOK || !strings.HasPrefix(match[1], "/") {
			t.Errorf("%s: %d", match[1], a.status)
		}
		everything += a.body
	}
	if outside := regexp.MustCompile(`https?://[a-z]`).FindString(everything); outside != "" {
		t.Errorf("something names %s", outside)
	}
	for _, inline := range []string{"<style", "onclick", "onload", "innerHTML", "eval("} {
		if strings.Contains(everything, inline) {
			t.Errorf("something has %s", inline)
		}
	}
}
