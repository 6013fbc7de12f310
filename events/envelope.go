package events

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Envelope is the JSON form of Recorded, on the wire and in the API: what it holds
// is not decoded yet.
type Envelope struct {
	Position   int64           `json:"position"`
	StreamID   string          `json:"stream_id"`
	Version    int             `json:"version"`
	Type       string          `json:"type"`
	Schema     int             `json:"schema"`
	Data       json.RawMessage `json:"data"`
	Meta       json.RawMessage `json:"meta"`
	RecordedAt time.Time       `json:"recorded_at"`
	Digest     Hash            `json:"digest"`
}

// MarshalJSON writes {position, stream_id, version, type, schema, data, meta,
// recorded_at, digest}, data and meta byte for byte as stored.
func (r Recorded) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// AppendJSON appends what MarshalJSON writes to b.
func (r Recorded) AppendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"position":`...), r.Position, 10)
	b = AppendText(append(b, `,"stream_id":`...), r.StreamID)
	b = strconv.AppendInt(append(b, `,"version":`...), int64(r.Version), 10)
	b = AppendText(append(b, `,"type":`...), r.Type)
	b = strconv.AppendInt(append(b, `,"schema":`...), int64(r.Schema), 10)
	b = appendRaw(append(b, `,"data":`...), r.RawData)
	b = appendRaw(append(b, `,"meta":`...), r.RawMeta)
	b = r.RecordedAt.UTC().AppendFormat(append(b, `,"recorded_at":"`...), time.RFC3339Nano)
	b = hex.AppendEncode(append(b, `","digest":"`...), r.Digest[:])
	return append(b, `"}`...)
}

// appendRaw appends JSON that may be missing, as where nobody wrote it.
func appendRaw(b []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(b, "null"...)
	}
	return append(b, raw...)
}

// AppendText appends a string as encoding/json writes it: by itself what seldom has
// anything to escape, sealed values among it.
func AppendText(b []byte, text string) []byte {
	rest, sealed := strings.CutPrefix(text, sealedMark)
	if !plain.all(rest) {
		quoted, _ := json.Marshal(text) // of a string there is no error
		return append(b, quoted...)
	}
	b = append(b, '"')
	if sealed {
		b = append(b, `\u001a|`...)
	}
	return append(append(b, rest...), '"')
}

// UnmarshalJSON reads what MarshalJSON writes and decodes the event.
func (r *Recorded) UnmarshalJSON(b []byte) error {
	var e Envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("reading envelope: malformed")
	}
	var err error
	*r, err = e.Recorded()
	return err
}

// Recorded decodes the event.
func (e Envelope) Recorded() (Recorded, error) {
	if len(e.Data) == 0 { // not even null, as of one that is detached
		return Recorded{}, fmt.Errorf("position %d: no data", e.Position)
	}
	r := Recorded{
		Position: e.Position, StreamID: e.StreamID, Version: e.Version, Type: e.Type, Schema: e.Schema,
		RawData: e.Data, RawMeta: e.Meta, RecordedAt: e.RecordedAt.UTC(), Digest: e.Digest,
	}
	err := r.Decode()
	return r, err
}

// Decode fills Data and Meta from RawData and RawMeta. After an error, which wraps
// ErrUnreadable, Data is an Unreadable, and Meta is what could be read of it.
func (r *Recorded) Decode() (err error) {
	var noMeta error
	if r.Meta, noMeta = decodeMeta(r.RawMeta); noMeta != nil {
		err = errors.New("malformed meta")
	} else {
		r.Data, err = Decode(r.Type, r.Schema, r.RawData)
	}
	if err != nil {
		err = fmt.Errorf("position %d %w: %w", r.Position, ErrUnreadable, err)
		r.Data = Unreadable{r.Type, err}
	}
	return err
}

// DecodeAll decodes recorded in place. An event that cannot be read keeps none of the
// others from it; the error is that of the first.
func DecodeAll(recorded []Recorded) (err error) {
	for i := range recorded {
		if fault := recorded[i].Decode(); err == nil {
			err = fault
		}
	}
	return err
}

// Prepare returns e as it will be recorded in streamID at version, lacking what
// only the store can give: position, recorded_at and the digest, in whose place
// stands the content digest.
func Prepare(streamID string, version int, e Event, meta Meta) (Recorded, error) {
	data, schema, err := Encode(e)
	if err != nil {
		return Recorded{}, err
	}
	rawMeta, err := encodedMeta(meta)
	if err != nil {
		return Recorded{}, fmt.Errorf("encoding meta: %w", err)
	}
	return Recorded{
		StreamID: streamID, Version: version, Type: e.EventType(), Schema: schema,
		Data: e, Meta: meta, RawData: data, RawMeta: rawMeta,
		Digest: ContentDigest(streamID, version, e.EventType(), schema, data, rawMeta),
	}, nil
}
