package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

type doctorCommand struct {
	JSON bool `help:"Print the findings as JSON." name:"json"`
}

// How bad a finding is. Only a failure makes the doctor fail.
const (
	well    = "ok"
	noted   = "note" // works, and has a limit that one should know of
	warned  = "warn" // works now, and will hurt
	failing = "FAIL"
)

// finding is what came of one check. It tells no secret and nothing personal.
type finding struct {
	Status string `json:"status"`
	Check  string `json:"check"`
	Detail string `json:"detail,omitempty"`
	Cure   string `json:"cure,omitempty"` // the command that mends it, or leads there, or the setting; well: none
}

// findings are a patient's history.
type findings []finding

func (f *findings) add(status, check, detail, cure string) {
	if status == well {
		cure = ""
	}
	*f = append(*f, finding{status, check, detail, cure})
}

// check adds what came of a check that either succeeds or fails.
func (f *findings) check(check, detail, cure string, err error) {
	if err != nil {
		f.add(failing, check, err.Error(), cure)
		return
	}
	f.add(well, check, detail, "")
}

// Run checks the configuration and everything it points to, and says of each what
// is wrong and what mends it. It sends no text and makes and changes nothing, but that
// opening a SQLite file brings its schema up to date. It fails if any check does.
func (d doctorCommand) Run(ctx context.Context, p process) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var found findings
	config, err := loadConfig(p.Environ)
	found.check("configuration", "", "correct the variables that are named   # .env.example explains each", err)
	if err == nil {
		found.examine(ctx, config, newLogger(p.Stderr, config))
	}
	if err := found.print(p.Stdout, d.JSON); err != nil {
		return err
	}
	for _, f := range found {
		if f.Status == failing {
			return errors.New("something is wrong")
		}
	}
	return nil
}

func (f findings) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(out, struct {
			Findings findings `json:"findings"`
		}{f})
	}
	for _, finding := range f {
		line := fmt.Sprintf("%-5s %s", finding.Status, finding.Check)
		if finding.Detail != "" {
			line += ": " + finding.Detail
		}
		if finding.Cure != "" {
			line += "\n      " + finding.Cure
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
