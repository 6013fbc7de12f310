package events

import "encoding/json"

// Catalogue returns the schema that each type is written in.
func Catalogue() map[string]int {
	schemas := make(map[string]int, len(shapes))
	for eventType, s := range shapes {
		schemas[eventType] = s.schema
	}
	return schemas
}

// Upcast makes the later schemas of eventType come about by upcasters, until the
// function that it returns is called.
func Upcast(eventType string, upcasters ...func(json.RawMessage) (json.RawMessage, error)) (restore func()) {
	was := shapes[eventType]
	now := was
	for _, up := range upcasters {
		now.upcasters = append(now.upcasters, up)
	}
	now.schema = 1 + len(upcasters)
	shapes[eventType] = now
	return func() { shapes[eventType] = was }
}
