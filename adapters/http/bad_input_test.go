package api_test

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math"
	"net/http"
	"strings"
	"testing"
)

// canary stands in bad requests wherever an answer might repeat it.
const canary = "CANARY7"

func TestBadInputIsRefusedClearlyAndNothingIsStoredOrEchoed(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text())
	readOnly, before := w.newKey("acme", "messages:read"), w.head()
	w.catchUp()
	const (
		send, many, keys = "POST /v1/messages", "POST /v1/messages/batch", "POST /v1/keys"
		list, events     = "GET /v1/messages", "GET /v1/messages/{id}/events"
	)
	with := func(field, value string) string { // a text with one field replaced
		fields := map[string]string{"to": `"` + number + `"`, "body": `"hello"`}
		fields[field] = value
		var b []string
		for name, value := range fields {
			b = append(b, `"`+name+`":`+value)
		}
		return "{" + strings.Join(b, ",") + "}"
	}
	for _, tt := range []struct {
		name, route, body string
		header            string
		status            int
		code, pointer     string
	}{
		{"nothing", send, " ", "", 400, "malformed_json", ""},
		{"half an object", send, `{"to":"` + canary, "", 400, "malformed_json", ""},
		{"no JSON", send, canary, "", 400, "malformed_json", ""},
		{"a comma too many", send, `{"to":"` + number + `",}`, "", 400, "malformed_json", ""},
		{"a comment", send, `{/*` + canary + `*/}`, "", 400, "malformed_json", ""},
		{"single quotes", send, `{'to':'` + canary + `'}`, "", 400, "malformed_json", ""},
		{"two documents", send, text() + `{"` + canary + `":1}`, "", 400, "malformed_json", ""},
		{"a byte order mark", send, "\ufeff" + text(), "", 400, "malformed_json", ""},
		{"a line end in a string", send, with("body", "\""+canary+"\n\""), "", 400, "malformed_json", ""},
		{"bytes that are not UTF-8", send, with("body", "\""+canary+"\xff\""), "", 400, "malformed_json", ""},
		{"half a surrogate pair", send, with("body", `"`+canary+`\ud83d"`), "", 400, "malformed_json", ""},
		{"a surrogate pair the wrong way round", send, with("body", `"`+canary+`\ude00\ud83d"`), "", 400, "malformed_json", ""},
		{"an unknown escape", send, with("body", `"`+canary+`\x41"`), "", 400, "malformed_json", ""},
		{"an array", send, `["` + canary + `"]`, "", 400, "wrong_type", ""},
		{"null", send, `null`, "", 400, "wrong_type", ""},
		{"great depth", send, strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "", 400, "wrong_type", ""},
		{"great depth without end", send, strings.Repeat(`{"to":`, 9000), "", 400, "malformed_json", ""},
		{"a name twice", send, `{"to":"` + number + `","body":"a","to":"` + canary + `"}`, "", 400, "duplicate_key", "/to"},
		{"a name twice, once escaped", send, `{"to":"` + number + `","body":"a","t\u006f":"` + canary + `"}`, "", 400, "duplicate_key", "/to"},
		{"a name twice in metadata", send, with("metadata", `{"`+canary+`":"1","`+canary+`":"2"}`), "", 400, "duplicate_key", "/metadata"},
		{"a name in another case", send, `{"To":"` + number + `","body":"a"}`, "", 400, "unknown_field", ""},
		{"an unknown name", send, text(`"` + canary + `":1`), "", 400, "unknown_field", ""},
		{"a number for a number", send, with("to", "14155552671"), "", 400, "wrong_type", "/to"},
		{"null for a body", send, with("body", "null"), "", 400, "wrong_type", "/body"},
		{"null for an option", send, with("from", "null"), "", 400, "wrong_type", "/from"},
		{"metadata that is a list", send, with("metadata", `["`+canary+`"]`), "", 400, "wrong_type", "/metadata"},
		{"metadata that nests", send, with("metadata", `{"`+canary+`":{}}`), "", 400, "wrong_type", "/metadata"},
		{"an unknown name behind an empty option", send, text(`"reference":"","` + canary + `":1`), "", 400, "unknown_field", ""},
		{"a wrong type behind an empty option", send, `{"reference":"","to":5}`, "", 400, "wrong_type", "/to"},
		{"malformed behind an unknown name", send, `{"` + canary + `":1,`, "", 400, "malformed_json", ""},

		{"no recipient", send, `{"body":"` + canary + `"}`, "", 422, "required", "/to"},
		{"an empty recipient", send, with("to", `""`), "", 422, "required", "/to"},
		{"no body", send, `{"to":"` + number + `"}`, "", 422, "required", "/body"},
		{"an empty body", send, with("body", `""`), "", 422, "required", "/body"},
		{"a number that is not possible", send, with("to", `"+1"`), "", 422, "invalid_number", "/to"},
		{"a number that is not valid", send, with("to", `"+447700900123"`), "", 422, "invalid_number", "/to"},
		{"another channel", send, with("to", `"whatsapp:+14155552671"`), "", 422, "invalid_number", "/to"},
		{"a URI", send, with("to", `"tel:+14155552671"`), "", 422, "invalid_number", "/to"},
		{"full-width digits", send, with("to", `"+１４１５５５５２６７１"`), "", 422, "invalid_number", "/to"},
		{"an extension", send, with("to", `"+14155552671 ext. 5"`), "", 422, "invalid_number", "/to"},
		{"a national number", send, with("to", `"4155552671"`), "", 422, "invalid_number", "/to"},
		{"more than 1,600 characters", send, with("body", `"`+strings.Repeat("a", 1601)+`"`), "", 422, "too_long", "/body"},
		{"a bell", send, with("body", `"`+canary+`\u0007"`), "", 422, "invalid_body", "/body"},
		{"a NUL", send, with("body", `"`+canary+`\u0000"`), "", 422, "invalid_body", "/body"},
		{"an unknown lane", send, with("lane", `"`+canary+`"`), "", 422, "invalid_value", "/lane"},
		{"an empty lane", send, with("lane", `""`), "", 422, "invalid_value", "/lane"},
		{"an unknown kind", send, with("kind", `"`+canary+`"`), "", 422, "invalid_value", "/kind"},
		{"a date in words", send, with("send_at", `"`+canary+`"`), "", 422, "invalid_date", "/send_at"},
		{"a date without offset", send, with("send_at", `"2030-01-31T08:00:00"`), "", 422, "invalid_date", "/send_at"},
		{"an empty date", send, with("expires_at", `""`), "", 422, "invalid_value", "/expires_at"},
		{"a date that has passed", send, with("expires_at", `"2001-01-01T00:00:00Z"`), "", 422, "date_passed", "/expires_at"},
		{"a reference that is too long", send, with("reference", `"`+strings.Repeat(canary, 40)+`"`), "", 422, "invalid_value", "/reference"},
		{"several faults", send, `{"to":"` + canary + `","body":""}`, "", 422, "invalid_request", "/to"},

		{"an empty idempotency key", send, text(), `Idempotency-Key: ""`, 400, "invalid_idempotency_key", "/Idempotency-Key"},
		{"an idempotency key with an open quote", send, text(), `Idempotency-Key: "` + canary, 400, "invalid_idempotency_key", "/Idempotency-Key"},
		{"an idempotency key beyond ASCII", send, text(), "Idempotency-Key: " + canary + "é", 400, "invalid_idempotency_key", "/Idempotency-Key"},
		{"an idempotency key of 256 characters", send, text(), "Idempotency-Key: " + strings.Repeat("k", 256), 400, "invalid_idempotency_key", "/Idempotency-Key"},
		{"another content type", send, text(), "Content-Type: text/plain", 415, "unsupported_media_type", ""},
		{"no content type", send, text(), "Content-Type:", 415, "unsupported_media_type", ""},
		{"another charset", send, text(), "Content-Type: application/json; charset=latin1", 415, "unsupported_media_type", ""},
		{"a compressed body", send, text(), "Content-Encoding: gzip", 415, "unsupported_media_type", ""},
		{"an oversize body", send, with("body", `"`+strings.Repeat(canary, 10_000)+`"`), "", 413, "body_too_large", ""},
		{"no key", send, text(), "Authorization:", 401, "missing_key", ""},
		{"another scheme", send, text(), "Authorization: Basic " + canary, 401, "missing_key", ""},
		{"a key that is none", send, text(), "Authorization: Bearer " + canary, 401, "invalid_key", ""},
		{"an unknown key", send, text(), "Authorization: Bearer psk_live_" + canary + "_secret", 401, "invalid_key", ""},
		{"a wrong secret", send, text(), "Authorization: Bearer " + w.key[:len(w.key)-1] + "!", 401, "invalid_key", ""},
		{"a key without the scope", send, text(), "Authorization: Bearer " + readOnly, 403, "missing_scope", ""},

		{"a batch of more than 1,000", many, `{"messages":[` + strings.Repeat("{},", 1000) + `{}]}`, "", 422, "too_many_items", "/messages"},
		{"an oversize batch", many, `{"messages":["` + strings.Repeat("x", 5<<20) + `"]}`, "", 413, "body_too_large", ""},
		{"an empty batch", many, `{"messages":[]}`, "", 422, "required", "/messages"},
		{"a batch without messages", many, `{}`, "", 422, "required", "/messages"},
		{"a batch that is a list", many, `[` + text() + `]`, "", 400, "wrong_type", ""},
		{"messages that are no list", many, `{"messages":"` + canary + `"}`, "", 400, "wrong_type", "/messages"},
		{"a batch that breaks off behind a good item", many, `{"messages":[` + text() + `,{"` + canary, "", 400, "malformed_json", ""},
		{"a batch that breaks off behind a bad item", many, `{"messages":[{"` + canary + `":1},` + text(), "", 400, "malformed_json", ""},

		{"an unknown id", "GET /v1/messages/" + canary, "", "", 404, "not_found", ""},
		{"an id of something else", "GET /v1/messages/key_" + strings.Split(w.key, "_")[2], "", "", 404, "not_found", ""},
		{"an id that no store could take", "GET /v1/messages/%00" + canary, "", "", 404, "not_found", ""},
		{"an id that is not UTF-8", "GET /v1/messages/%ff" + canary, "", "", 404, "not_found", ""},
		{"a key that is not UTF-8", send, text(), "Authorization: Bearer psk_live_\xff" + canary + "_secret", 401, "invalid_key", ""},
		{"events of an unknown id", "GET /v1/messages/" + canary + "/events", "", "", 404, "not_found", ""},
		{"canceling an unknown id", "POST /v1/messages/" + canary + "/cancel", "", "", 404, "not_found", ""},
		{"a bad cursor", list + "?cursor=" + canary, "", "", 400, "invalid_cursor", "/cursor"},
		{"an empty cursor", list + "?cursor=", "", "", 400, "invalid_value", "/cursor"},
		{"a cursor made by hand", list + "?cursor=" + forgedCursor("msg_\x00", 1), "", "", 400, "invalid_cursor", "/cursor"},
		{"a cursor from another age", list + "?cursor=" + forgedCursor("msg_1", math.MaxInt64), "", "", 400, "invalid_cursor", "/cursor"},
		{"a reference to search for that is none", list + "?reference=%00" + canary, "", "", 400, "invalid_value", "/reference"},
		{"a limit of 0", list + "?limit=0", "", "", 400, "invalid_value", "/limit"},
		{"a limit of 101", list + "?limit=101", "", "", 400, "invalid_value", "/limit"},
		{"a limit in words", list + "?limit=" + canary, "", "", 400, "invalid_value", "/limit"},
		{"a status that is none", list + "?status=" + canary, "", "", 400, "invalid_value", "/status"},
		{"a lane that is none", list + "?lane=" + canary, "", "", 400, "invalid_value", "/lane"},
		{"a number to search for that is none", list + "?to=" + canary, "", "", 400, "invalid_number", "/to"},
		{"a date to search from that is none", list + "?created_after=" + canary, "", "", 400, "invalid_date", "/created_after"},
		{"an unknown parameter", list + "?" + canary + "=1", "", "", 400, "unknown_parameter", ""},
		{"a parameter twice", list + "?limit=1&limit=2", "", "", 400, "duplicate_parameter", "/limit"},
		{"a query that is none", list + "?%zz=" + canary, "", "", 400, "invalid_query", ""},
		{"a moment that is none", strings.Replace(events, "{id}", id, 1) + "?as_of=" + canary, "", "", 400, "invalid_value", "/as_of"},

		{"a key without scopes", keys, `{}`, "", 422, "required", "/scopes"},
		{"a key with an unknown scope", keys, `{"scopes":["admin","` + canary + `"]}`, "", 422, "invalid_value", "/scopes/1"},
		{"a scope that is no string", keys, `{"scopes":[7]}`, "", 400, "wrong_type", "/scopes/0"},
		{"a test that is no truth value", keys, `{"scopes":["admin"],"test":"` + canary + `"}`, "", 400, "wrong_type", "/test"},
		{"a key for another tenant", keys, `{"scopes":["admin"],"tenant":"` + canary + `"}`, "", 400, "unknown_field", ""},
		{"a key that has expired", keys, `{"scopes":["admin"],"expires_at":"2001-01-01T00:00:00Z"}`, "", 422, "date_passed", "/expires_at"},
		{"an unknown key to revoke", "DELETE /v1/keys/" + canary, "", "", 404, "not_found", ""},

		{"an unknown path", "GET /v1/" + canary, "", "", 404, "not_found", ""},
		{"a path that is not clean", "GET //v1/../" + canary, "", "", 404, "not_found", ""},
		{"an unknown method", "PATCH /v1/messages", canary, "", 405, "method_not_allowed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := *w
			w.t = t
			method, path, _ := strings.Cut(tt.route, " ")
			a := w.do(method, path, tt.body, tt.header)
			p := a.problem(t)
			if a.status != tt.status || p.Code != tt.code || p.Status != a.status || p.Title != http.StatusText(a.status) || p.Detail == "" {
				t.Errorf("answer %d %s, want %d %s", a.status, a.body, tt.status, tt.code)
			}
			if p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
				t.Errorf("request id %q in the body, %q in the header", p.RequestID, a.header.Get("X-Request-Id"))
			}
			pointer := ""
			if len(p.Errors) > 0 {
				pointer = p.Errors[0].Pointer
			}
			if pointer != tt.pointer {
				t.Errorf("it points at %q, want %q", pointer, tt.pointer)
			}
			if strings.Contains(a.body, canary) || strings.Contains(a.body, number) || strings.Contains(strings.Join(flat(a.header), "\n"), canary) {
				t.Errorf("the answer repeats the request: %s %v", a.body, a.header)
			}
			if w.head() != before {
				t.Error("something was stored")
			}
		})
	}
	if strings.Contains(w.log(), canary) || strings.Contains(w.log(), number) {
		t.Error("the log repeats a request")
	}
}

func TestWhatIsNotInTheContractIsFoundWithoutBeingRepeated(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ method, path, body, says string }{
		{"POST", "/v1/messages", `{"to":"` + number + `","text":"hello"}`, "field 2 of the object"},
		{"GET", "/v1/messages?state=delivered", "", "those that are: "},
	} {
		p := w.do(tt.method, tt.path, tt.body, "").problem(t)
		if len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Detail, tt.says) {
			t.Errorf("%s %s: %+v, want %q", tt.method, tt.path, p.Errors, tt.says)
		}
	}
}

// forgedCursor has the right checksum.
func forgedCursor(id string, at int64) string {
	head := binary.BigEndian.AppendUint64([]byte{'m'}, uint64(at))
	sum := crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, []byte(id))
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(head, sum), id...))
}

func flat(h http.Header) []string {
	var all []string
	for _, values := range h {
		all = append(all, values...)
	}
	return all
}

func TestWhatAPathAllowsIsSaidWhereTheMethodIsWrong(t *testing.T) {
	w := newWorld(t)
	a := w.do("PUT", "/v1/messages", "")
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("answer %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}

func TestHarmlessVariantsOfJSONAreRead(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"white space":            " {\r\n\t\"to\" : \"" + number + "\" , \"body\" : \"hello\" } \n",
		"escapes":                `{"t\u006f":"\u002b14155552671","body":"a\"\\\/\n\u00E9\u00e9\ud83d\ude00"}`,
		"empty metadata":         text(`"metadata":{}`),
		"characters in metadata": text(`"metadata":{"ключ":"😀"}`),
	} {
		if a := w.do("POST", "/v1/messages", body, "Content-Type: application/json; charset=UTF-8"); a.status != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestNothingIsAcceptedWhileTheStoreIsDown(t *testing.T) {
	w := newWorld(t)
	w.accept(text()) // the key is known now
	before := w.head()
	w.store.down.Store(true)
	for _, route := range []string{"POST /v1/messages", "GET /v1/messages/msg_1"} {
		method, path, _ := strings.Cut(route, " ")
		body := map[string]string{"POST": text()}[method]
		a := w.do(method, path, body)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.problem(t).Code != "unavailable" {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
	}
	if a := w.do("POST", "/v1/messages", text(), "Authorization: Bearer psk_live_unknown_secret"); a.status != http.StatusServiceUnavailable {
		t.Errorf("a key that cannot be looked up is answered %d", a.status)
	}
	if log := w.log(); !strings.Contains(log, "route=/v1/messages status=503") || !strings.Contains(log, `error="`) {
		t.Errorf("the log does not say why:\n%s", log)
	}
	w.store.down.Store(false)
	if w.head() != before {
		t.Error("something was stored")
	}
	w.accept(text())
}
