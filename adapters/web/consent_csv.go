package web

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/projections"
)

// importRows bounds how many numbers a form may opt out; prosms opt-outs import takes more.
const importRows = 1000

// exportConsent writes a tenant's opt-outs, up to exportRows, as prosms opt-outs
// export does and import reads.
func (u *ui) exportConsent(w http.ResponseWriter, r *http.Request, _ visit) error {
	tenant := r.URL.Query().Get("tenant")
	if !commands.ValidTenant(tenant) {
		return errBadQuery
	}
	f := projections.OptOutFilter{Tenant: tenant, Limit: exportPage}
	list, next, err := u.Oversight.Queries.OptOuts(r.Context(), f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="opt-outs.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{"number", "source", "keyword", "at"})
	for rows := 0; ; {
		for _, o := range list {
			_ = out.Write([]string{o.Number, o.Source, cell(o.Keyword), o.At.UTC().Format(time.RFC3339)})
		}
		if rows += len(list); next == nil || rows >= exportRows {
			break
		}
		f.After = next
		if list, next, err = u.Oversight.Queries.OptOuts(r.Context(), f); err != nil {
			u.log.WarnContext(r.Context(), "exporting opt-outs", "error", err)
			break // the file ends early: its status is sent
		}
	}
	out.Flush()
	return nil // who does not take the file has gone
}

// importConsent opts numbers out, all or none of them: the first column of CSV.
func (u *ui) importConsent(w http.ResponseWriter, r *http.Request, v visit) error {
	caller, err := u.caller(r, v)
	if err != nil {
		return err
	}
	if caller.Tenant = r.PostForm.Get("tenant"); caller.Tenant != "" && !commands.ValidTenant(caller.Tenant) {
		return errBadQuery
	}
	numbers, err := u.readNumbers(r.PostForm.Get("numbers"))
	if err != nil {
		return err
	}
	for _, number := range numbers { // an opt-out that is known already does nothing: the form can be sent again
		if err := u.Commands.OptOut(r.Context(), caller, number); err != nil {
			return err
		}
	}
	http.Redirect(w, r, "/consent?done=optedout", http.StatusSeeOther)
	return nil
}

// readNumbers reads the first column of CSV. Faults name lines, not numbers.
func (u *ui) readNumbers(text string) (numbers []events.Personal, err error) {
	var invalid commands.Invalid
	records := csv.NewReader(strings.NewReader(text))
	records.FieldsPerRecord = -1
	for line := 1; ; line++ {
		record, err := records.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errBadQuery
		}
		if line == 1 && record[0] == "number" {
			continue
		}
		number, err := u.Commands.ReadNumber(record[0])
		if err != nil && len(invalid) < 20 {
			invalid = append(invalid, commands.Fault{Pointer: fmt.Sprintf("/line %d", line), Code: commands.CodeInvalidNumber, Detail: "not a number that can be texted"})
		}
		numbers = append(numbers, number)
	}
	if len(numbers) == 0 || len(numbers) > importRows {
		invalid = append(invalid, commands.Fault{Pointer: "/numbers", Code: commands.CodeInvalidValue, Detail: "1 to 1,000 numbers"})
	}
	if len(invalid) > 0 {
		return nil, invalid
	}
	return numbers, nil
}
