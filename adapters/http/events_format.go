package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
)

// Formats of a page of events, besides JSON with its cursor inside. Both say where
// the next page is in a Link header.
const (
	ndjson      = "application/x-ndjson"               // an event a line, as in JSON
	cloudEvents = "application/cloudevents-batch+json" // CloudEvents 1.0
)

// wanted returns the first of formats that a request asks for by name; empty for none.
func wanted(r *http.Request, formats ...string) string {
	for _, accepted := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		asked, params, err := mime.ParseMediaType(accepted)
		if err != nil || params["q"] == "0" {
			continue
		}
		for _, format := range formats {
			if asked == format {
				return format
			}
		}
	}
	return ""
}

// writeLines answers with a page as NDJSON.
func writeLines(w http.ResponseWriter, r *http.Request, shown page[event]) error {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, e := range shown.Data {
		if err := encoder.Encode(e); err != nil {
			return fmt.Errorf("encoding the event at %d: %w", e.Position, err)
		}
	}
	linkNext(w, r, shown.NextCursor)
	w.Header().Set("Content-Type", ndjson)
	if _, err := w.Write(lines.Bytes()); err != nil {
		return errGone
	}
	return nil
}

// writeCloudEvents answers with a page as a batch of CloudEvents.
func (a *api) writeCloudEvents(w http.ResponseWriter, r *http.Request, found []events.Recorded, next *string) error {
	batch := make([]events.CloudEvent, len(found))
	for i, e := range found {
		batch[i] = e.CloudEvent(a.PublicURL)
	}
	linkNext(w, r, next)
	return writeAs(w, cloudEvents, http.StatusOK, batch)
}

// linkNext names the next page (RFC 8288).
func linkNext(w http.ResponseWriter, r *http.Request, next *string) {
	if next == nil {
		return
	}
	query := r.URL.Query()
	query.Del("after")
	query.Set("cursor", *next)
	target := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
	w.Header().Set("Link", "<"+target.String()+`>; rel="next"`)
}

// getSchema answers with the JSON Schema of a payload, <type>.<schema>.json.
func getSchema(w http.ResponseWriter, r *http.Request, _ commands.Caller) error {
	content, err := events.Schemas.ReadFile("schemas/" + r.PathValue("file"))
	if err != nil {
		return errNotFound
	}
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if _, err := w.Write(content); err != nil {
		return errGone
	}
	return nil
}
