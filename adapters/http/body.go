package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
)

// Largest bodies, in bytes.
const (
	maxBody  = 64 << 10
	maxBatch = 5 << 20
)

var (
	errTooLarge = &refusal{status: http.StatusRequestEntityTooLarge, code: "body_too_large", detail: "The body is too large: at most 64 KiB, and 5 MiB for a batch."}
	errNoJSON   = &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", detail: "Send JSON as Content-Type: application/json, without Content-Encoding."}
	errTooSlow  = &refusal{status: http.StatusRequestTimeout, code: "request_timeout", detail: "The body took too long to arrive."}
	errCutShort = &refusal{status: http.StatusBadRequest, code: "incomplete_body", detail: "The body ended early."}
)

// readJSON reads a JSON body of at most limit bytes with read.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, read func(*decoder) error) error {
	if !isJSON(r.Header) {
		return errNoJSON
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		return err
	}
	return decodeJSON(body, read)
}

// isJSON allows application/json, in UTF-8 where it says so.
func isJSON(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	if h.Get("Content-Type") == "application/json" {
		return true
	}
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}

// readBody reads at most limit bytes, into no more memory than the body needs.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	reader := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(reader, body)
		return body, bodyError(err)
	}
	body, err := io.ReadAll(reader)
	return body, bodyError(err)
}

func bodyError(err error) error {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil:
		return nil
	case tooLarge:
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTooSlow
	}
	return errCutShort
}
