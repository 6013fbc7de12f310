package events

import (
	"embed"
	"strconv"
)

// Schemas holds the JSON Schema (2020-12) of each payload, schemas/<type>.<schema>.json,
// as clients see it. They are made of the types here: go test ./events -run Schema -update.
//
//go:embed schemas/*.json
var Schemas embed.FS

// SchemaFile names the JSON Schema of a payload.
func SchemaFile(eventType string, schema int) string {
	return eventType + "." + strconv.Itoa(schema) + ".json"
}
