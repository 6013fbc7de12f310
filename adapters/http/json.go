package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/pro-sms/prosms/commands"
)

// decoder reads a JSON document of a known shape, and refuses what encoding/json
// lets pass: names twice or in another case, unknown names, null, unpaired
// surrogates, bytes that are not UTF-8, anything after the document. Nothing is
// nested deeper than the shapes are, so neither is the reading.
//
// Its errors are refusals whose pointer is relative to the value being read;
// objects and arrays prefix their own part on the way out.
type decoder struct {
	data []byte
	at   int
	lax  bool // takes values that can be read and are refused
}

// Codes of documents that cannot be read.
const (
	codeMalformed    = "malformed_json"
	codeDuplicate    = "duplicate_key"
	codeUnknownField = "unknown_field"
	codeWrongType    = "wrong_type"
)

// decodeJSON reads data with read, which must consume one value. A malformed
// document is refused as such, whatever else is wrong with it.
func decodeJSON(data []byte, read func(*decoder) error) error {
	d := &decoder{data: data}
	if err := d.reading(read); err != nil {
		return d.blame(err)
	}
	if d.next() != 0 || d.at < len(d.data) {
		return d.malformed()
	}
	return nil
}

// reading calls read. Where that refuses a value which it could read, it reads on:
// what cannot be read is said first, wherever it stands.
func (d *decoder) reading(read func(*decoder) error) error {
	start := d.at
	err := read(d)
	if r, ok := errors.AsType[*refusal](err); !ok || r.status != http.StatusUnprocessableEntity {
		return err
	}
	if r, ok := errors.AsType[*refusal](read(&decoder{data: d.data, at: start, lax: true})); ok && r.status == http.StatusBadRequest {
		return r
	}
	return err
}

// blame returns err, or that the document is malformed where it is.
func (d *decoder) blame(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(d.data, new(json.RawMessage))); ok {
		d.at = int(syntax.Offset)
		return d.malformed()
	}
	return err
}

// errUnknownField is what a field function answers to a name it does not know.
var errUnknownField = errors.New("unknown field")

// object reads an object and calls field for each member, which reads its value
// or returns errUnknownField. Pointers to what went wrong get the name of the
// member; an unknown one is the fault of the object.
func (d *decoder) object(field func(name []byte) error) error {
	var known [16][]byte
	seen := known[:0]
	return d.members(func(name []byte) error {
		for _, s := range seen {
			if bytes.Equal(s, name) {
				return within(string(name), refused(codeDuplicate, "every name may stand once"))
			}
		}
		seen = append(seen, name)
		err := field(name)
		if errors.Is(err, errUnknownField) {
			return refused(codeUnknownField, fmt.Sprintf("field %d of the object is not in the contract: /docs lists those that are", len(seen)))
		}
		return within(string(name), err)
	})
}

// members reads an object and calls member with each name, positioned at its value.
func (d *decoder) members(member func(name []byte) error) error {
	if d.next() != '{' {
		return wrongType("an object")
	}
	d.at++
	if d.next() == '}' {
		d.at++
		return nil
	}
	for {
		if d.next() != '"' {
			return d.malformed()
		}
		name, err := d.text()
		if err != nil {
			return err
		}
		if d.next() != ':' {
			return d.malformed()
		}
		d.at++
		if err := member(name); err != nil {
			return err
		}
		if done, err := d.separator('}'); done || err != nil {
			return err
		}
	}
}

// array reads an array and calls item for each element, positioned at it.
func (d *decoder) array(item func(i int) error) error {
	if d.next() != '[' {
		return wrongType("an array")
	}
	d.at++
	if d.next() == ']' {
		d.at++
		return nil
	}
	for i := 0; ; i++ {
		if err := item(i); err != nil {
			return within(strconv.Itoa(i), err)
		}
		if done, err := d.separator(']'); done || err != nil {
			return err
		}
	}
}

// within makes the pointer of err start at part, unless err is about the document.
func within(part string, err error) error {
	if r, ok := errors.AsType[*refusal](err); ok && r.fault != nil && r.code != codeMalformed {
		r.fault.Pointer = "/" + part + r.fault.Pointer
	}
	return err
}

// separator reads "," or end.
func (d *decoder) separator(end byte) (done bool, err error) {
	switch d.next() {
	case ',':
		d.at++
		return false, nil
	case end:
		d.at++
		return true, nil
	}
	return false, d.malformed()
}

// string reads a string, which may be empty.
func (d *decoder) string(s *string) error {
	if d.next() != '"' {
		return wrongType("a string")
	}
	text, err := d.text()
	*s = string(text)
	return err
}

// option reads a string of an optional field, which has to be left out rather than empty.
func (d *decoder) option(s *string) error {
	err := d.string(s)
	if err == nil && *s == "" && !d.lax {
		return unprocessable(commands.CodeInvalidValue, "leave the field out, or give it a value")
	}
	return err
}

// boolean reads true or false.
func (d *decoder) boolean(b *bool) error {
	d.next()
	for _, literal := range []string{"true", "false"} {
		if bytes.HasPrefix(d.data[d.at:], []byte(literal)) {
			d.at += len(literal)
			*b = literal == "true"
			return nil
		}
	}
	return wrongType("true or false")
}

// stringMap reads an object of strings. Its names are the client's, so no pointer
// shows them.
func (d *decoder) stringMap(m *map[string]string) error {
	*m = map[string]string{}
	return d.members(func(name []byte) error {
		if _, ok := (*m)[string(name)]; ok {
			return refused(codeDuplicate, "every name may stand once")
		}
		var value string
		err := d.string(&value)
		(*m)[string(name)] = value
		return err
	})
}

func (d *decoder) malformed() error {
	return refused(codeMalformed, "not well-formed JSON, at byte "+strconv.Itoa(d.at))
}

func wrongType(want string) *refusal { return refused(codeWrongType, "must be "+want) }

func refused(code, detail string) *refusal {
	return &refusal{
		status: http.StatusBadRequest, code: code, detail: "The body cannot be read.",
		fault: &fault{Code: code, Detail: detail},
	}
}
