package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contracted holds answers against openapi.json.
type contracted struct {
	document *openapi3.T
	router   routers.Router
}

// load reads the contract once for all tests.
var load = sync.OnceValues(func() (contracted, error) {
	source, err := os.ReadFile("openapi.json")
	if err != nil {
		return contracted{}, err
	}
	document, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return contracted{}, err
	}
	for _, text := range []string{"text/html", "text/javascript", "text/css", "text/xml", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}
	router, err := legacy.NewRouter(document)
	return contracted{document, router}, err
})

func contract(t *testing.T) contracted {
	t.Helper()
	c, err := load()
	if err != nil {
		t.Fatalf("reading the contract: %v", err)
	}
	return c
}

// check reports where an answer, or a request that was not refused, is not as the
// contract says. Answers to what no route matches are problems like all others.
func (c contracted) check(t *testing.T, r *http.Request, body []byte, a answer) {
	t.Helper()
	if r.Method == http.MethodHead {
		return // like GET, without what could be checked
	}
	ctx := context.WithoutCancel(t.Context())
	request := r.Clone(ctx)
	request.URL.Scheme, request.URL.Host, request.Host = "", "", ""
	route, params, err := c.router.FindRoute(request)
	if err != nil {
		c.checkUnrouted(t, a)
		return
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
		},
	}
	if a.status < 300 && !strings.Contains(a.body, `"problem":`) { // items of a batch are refused alone
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			t.Errorf("%s %s was accepted against the contract: %v", r.Method, route.Path, err)
		}
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: a.header, Options: input.Options,
	}
	response.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(ctx, response); err != nil {
		t.Errorf("%s %s answers %d against the contract: %v\n%s", r.Method, route.Path, a.status, err, a.body)
	}
}

func (c contracted) checkUnrouted(t *testing.T, a answer) {
	t.Helper()
	if a.status < 400 {
		t.Errorf("a path that is not in the contract answers %d", a.status)
	}
	a.problem(t)
}
