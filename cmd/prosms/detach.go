package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
)

// detachment is what detaching and attaching have in common.
type detachment struct {
	File     string `arg:"" type:"path" help:"The archive."`
	Database string `help:"URL of the database, logged in as its owner; DATABASE_URL if it is not set." placeholder:"URL"`
	HeadKey  string `help:"The verifier key of its head; without it no signature is checked." placeholder:"VKEY"`
}

type archiveDetach struct {
	detachment
	OlderThan time.Duration `help:"A message to which something has happened since stays as it is." default:"720h"`
}

// Run detaches what the file holds. The file itself is verified first; it has to be
// kept: from then on it alone has what the messages say.
func (a archiveDetach) Run(ctx context.Context, p process) error {
	if a.OlderThan < 0 {
		return errors.New("--older-than: not before now")
	}
	return a.with(ctx, p, "detaching", func(d commands.Detacher) error {
		d.Before = time.Now().Add(-a.OlderThan).UTC().Truncate(time.Microsecond)
		done, err := d.Run(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "detached %d messages with %d events of positions %d to %d.\n", done.Messages, done.Events, d.Archive.First, d.Archive.Last)
		if err == nil && done.Messages > 0 {
			_, err = fmt.Fprintf(p.Stdout, "Keep %s, and put it where PROSMS_ARCHIVES says: the log has their digests alone.\n", d.Name)
		}
		return err
	})
}

type archiveAttach struct{ detachment }

// Run puts back what the log lacks of the file.
func (a archiveAttach) Run(ctx context.Context, p process) error {
	return a.with(ctx, p, "attaching", func(d commands.Detacher) error {
		return readArchive(a.File, func(lines io.Reader) error {
			n, err := d.Attach(ctx, lines)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.Stdout, "attached %d events of positions %d to %d\n", n, d.Archive.First, d.Archive.Last)
			return err
		})
	})
}

// with verifies the file, opens the database as its owner and runs use.
func (a detachment) with(ctx context.Context, p process, what string, use func(commands.Detacher) error) (err error) {
	checked, err := checkArchive(a.File, a.HeadKey)
	if err != nil {
		return err
	}
	url := a.Database
	if url == "" {
		config, err := loadConfig(p.Environ)
		if err != nil {
			return fmt.Errorf("reading configuration:\n%w", err)
		}
		url = config.DatabaseURL
	}
	st, importer, err := openOwned(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	told := newProgress(p.Stderr, what, checked.First-1, checked.Last)
	defer told.end()
	return use(commands.Detacher{
		Store: st.events, Importer: importer, Archive: checked, Name: filepath.Base(a.File),
		Meta: events.Meta{Actor: operator().Actor}, Progress: told.at,
	})
}
