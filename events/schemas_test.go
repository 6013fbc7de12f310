package events_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/pro-sms/prosms/events"
)

var update = flag.Bool("update", false, "write the schemas and the page of events anew")

// newest are the golden events of today's shapes with all that they can hold, by type.
func newest(t *testing.T) map[string]golden {
	t.Helper()
	found := map[string]golden{}
	for _, g := range goldens(t) {
		if g.schema != events.Catalogue()[g.eventType] || bytes.Contains(g.data, []byte(`"sealed":`)) {
			continue
		}
		if len(g.data) > len(found[g.eventType].data) {
			found[g.eventType] = g
		}
	}
	return found
}

// reflector makes schemas of the types in this folder, with their comments.
func reflector(t *testing.T) *jsonschema.Reflector {
	t.Helper()
	r := &jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true, DoNotReference: true, ExpandedStruct: true}
	r.Mapper = func(kind reflect.Type) *jsonschema.Schema {
		switch {
		case kind == reflect.TypeFor[time.Time](): // has a format
		case kind == reflect.TypeFor[events.Hash]():
			return &jsonschema.Schema{Type: "string", Pattern: "^[0-9a-f]{64}$"}
		case kind == reflect.TypeFor[events.Personal](), kind.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
			return &jsonschema.Schema{Type: "string"}
		}
		return nil
	}
	if err := r.AddGoComments("github.com/pro-sms/prosms/events", "."); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	return r
}

// generated compares content with a file, or writes it.
func generated(t *testing.T, path string, content []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, content) {
		t.Errorf("%s is not what follows from the types, %v: go test ./events -run Schema -update", path, err)
	}
}

func TestEveryTypeHasItsSchemaAndItsPlaceOnThePage(t *testing.T) {
	r := reflector(t)
	found := newest(t)
	var page bytes.Buffer
	page.WriteString(pageHead)
	for _, eventType := range slices.Sorted(maps.Keys(found)) {
		g := found[eventType]
		schema := r.ReflectFromType(reflect.TypeOf(g.decode(t)))
		file := events.SchemaFile(eventType, g.schema)
		schema.ID, schema.Title = jsonschema.ID("/schemas/"+file), eventType
		text, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		generated(t, filepath.Join("schemas", file), append(text, '\n'))
		var example bytes.Buffer
		if err := json.Indent(&example, g.data, "", "  "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&page, "\n## %s\n\n%s [Schema](../events/schemas/%s)\n\n```json\n%s\n```\n", eventType, schema.Description, file, unescaped(example.String()))
	}
	generated(t, "../docs/events.md", page.Bytes())
	files, err := events.Schemas.ReadDir("schemas")
	if err != nil || len(files) < len(found) {
		t.Errorf("%d schemas of %d types are part of the program, %v", len(files), len(found), err)
	}
}

const pageHead = `# Events

What can have happened, type by type: the payload (` + "`data`" + `) of each, as ` + "`GET /v1/events`" + `, the event stream and exports show it, with
an example. Types are never renamed, and fields are only added. This page and the schemas, which are served under
` + "`/schemas/`" + `, are made of the types in [events/](../events) by ` + "`go test ./events -run Schema -update`" + `.
`

// unescaped reads better, and means the same.
func unescaped(text string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(text)
}

func TestGoldenEventsAreAsTheirSchemasSay(t *testing.T) {
	for _, g := range goldens(t) {
		if g.schema != events.Catalogue()[g.eventType] || bytes.Contains(g.data, []byte(`"sealed":`)) {
			continue
		}
		content, err := events.Schemas.ReadFile("schemas/" + events.SchemaFile(g.eventType, g.schema))
		if err != nil {
			t.Error(err)
			continue
		}
		var schema jsonschema.Schema
		var example any
		if err := errors.Join(json.Unmarshal(content, &schema), json.Unmarshal(g.data, &example)); err != nil {
			t.Errorf("%s: %v", g.eventType, err)
			continue
		}
		check(t, g.eventType, &schema, example)
	}
}

// check holds a value to the words of JSON Schema that our schemas use. Unlike them it
// knows no further names.
func check(t *testing.T, at string, schema *jsonschema.Schema, value any) {
	t.Helper()
	kind := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Float64: "number", reflect.Slice: "array", reflect.Map: "object"}[reflect.ValueOf(value).Kind()]
	if number, ok := value.(float64); ok && schema.Type == "integer" && number == math.Trunc(number) {
		kind = "integer"
	}
	if kind != schema.Type {
		t.Errorf("%s is of type %s, its schema says %s", at, kind, schema.Type)
		return
	}
	switch value := value.(type) {
	case string:
		if !regexp.MustCompile(schema.Pattern).MatchString(value) {
			t.Errorf("%s is not as %s", at, schema.Pattern)
		}
	case []any:
		for _, item := range value {
			check(t, at+"[]", schema.Items, item)
		}
	case map[string]any:
		for name, item := range value {
			of := schema.AdditionalProperties
			if schema.Properties != nil {
				if named, ok := schema.Properties.Get(name); ok {
					of = named
				}
			}
			if of == nil || of.Type == "" {
				t.Errorf("%s.%s is not in its schema", at, name)
				continue
			}
			check(t, at+"."+name, of, item)
		}
		for _, name := range schema.Required {
			if _, ok := value[name]; !ok {
				t.Errorf("%s lacks %s, which its schema requires", at, name)
			}
		}
	}
}

func TestAnEventIsACloudEvent(t *testing.T) {
	e, err := events.Prepare("msg_1", 3, events.MessageCanceled{By: "key:k1"}, events.Meta{Tenant: "acme", TraceParent: "00-1-2-01"})
	if err != nil {
		t.Fatal(err)
	}
	e.Position = 7
	got, err := json.Marshal(e.CloudEvent("https://sms.example.com"))
	const want = `{"specversion":"1.0","id":"7","source":"https://sms.example.com/v1/events","type":"message.canceled","subject":"msg_1",` +
		`"time":"0001-01-01T00:00:00Z","datacontenttype":"application/json","dataschema":"https://sms.example.com/schemas/message.canceled.1.json",` +
		`"data":{"by":"key:k1"},"streamversion":3,"tenant":"acme","traceparent":"00-1-2-01"}`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v\nwant\n%s", got, err, want)
	}
}
