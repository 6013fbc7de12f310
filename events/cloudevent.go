package events

import (
	"encoding/json"
	"strconv"
	"time"
)

// CloudEvent is an event in the JSON form of CloudEvents 1.0
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
// Source and ID together name it: ID is the position in the log that Source stands for.
type CloudEvent struct {
	SpecVersion     string          `json:"specversion"` // "1.0"
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"` // the stream
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"` // "application/json"
	DataSchema      string          `json:"dataschema"`
	Data            json.RawMessage `json:"data"`

	// Extensions.
	StreamVersion int    `json:"streamversion"`
	Tenant        string `json:"tenant,omitempty"`
	Actor         string `json:"actor,omitempty"`
	CorrelationID string `json:"correlationid,omitempty"`
	CausationID   string `json:"causationid,omitempty"`
	TraceParent   string `json:"traceparent,omitempty"` // of the extension for distributed tracing
}

// CloudEvent returns r in that form. Source is a URI reference to the log, under which
// its schemas are found: "https://sms.example.com" or "".
func (r Recorded) CloudEvent(source string) CloudEvent {
	return CloudEvent{
		SpecVersion: "1.0", ID: strconv.FormatInt(r.Position, 10), Source: source + "/v1/events", Type: r.Type, Subject: r.StreamID,
		Time: r.RecordedAt.UTC(), DataContentType: "application/json", DataSchema: source + "/schemas/" + SchemaFile(r.Type, r.Schema), Data: r.RawData,
		StreamVersion: r.Version, Tenant: r.Meta.Tenant, Actor: r.Meta.Actor,
		CorrelationID: r.Meta.CorrelationID, CausationID: r.Meta.CausationID, TraceParent: r.Meta.TraceParent,
	}
}
