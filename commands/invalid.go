package commands

import "strings"

// Invalid says what is wrong with a request, field by field. It quotes nothing
// of the request.
type Invalid []Fault

// Fault is one thing wrong with a request.
type Fault struct {
	Pointer string // JSON Pointer (RFC 6901) to the field: "/to"
	Code    string // stable: clients branch on it
	Detail  string // for people
}

// Codes of faults.
const (
	CodeRequired      = "required"
	CodeInvalidNumber = "invalid_number"
	CodeInvalidSender = "invalid_sender"
	CodeInvalidBody   = "invalid_body"
	CodeTooLong       = "too_long"
	CodeInvalidValue  = "invalid_value"
	CodeInvalidDate   = "invalid_date"
	CodeDatePassed    = "date_passed"
	CodeNotFound      = "not_found"
	CodeTooMany       = "too_many_items"
)

// Codes of texts that are fine in themselves.
const (
	CodeQuotaExceeded = "quota_exceeded" // QuotaExceeded
	CodePrefixPaused  = "prefix_paused"  // PrefixPaused
)

// Error names the codes and fields, and says what each should be: the command line shows
// it as it is.
func (i Invalid) Error() string {
	faults := make([]string, len(i))
	for n, f := range i {
		faults[n] = f.Pointer + " " + f.Code
		if f.Detail != "" {
			faults[n] += " (" + f.Detail + ")"
		}
	}
	return "invalid request: " + strings.Join(faults, ", ")
}

// onlyLate reports whether the request would have been valid some time ago.
func (i Invalid) onlyLate() bool {
	for _, f := range i {
		if f.Code != CodeDatePassed {
			return false
		}
	}
	return len(i) > 0
}

func (i *Invalid) add(pointer, code, detail string) {
	*i = append(*i, Fault{Pointer: pointer, Code: code, Detail: detail})
}
