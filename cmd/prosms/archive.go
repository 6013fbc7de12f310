package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/projections"
)

type archiveCommand struct {
	Create  archiveCreate  `cmd:"" help:"Write whole commits of the log to a file, with a head that is signed if PROSMS_HEAD_KEY is set. It holds what the log holds, numbers and texts too."`
	Verify  archiveVerify  `cmd:"" help:"Check files without the log that they come from, or against it."`
	Detach  archiveDetach  `cmd:"" help:"Take payloads out of the log that a file holds: of messages that are at their end. PostgreSQL: beside gateways; SQLite: while none runs."`
	Attach  archiveAttach  `cmd:"" help:"Put the payloads of a file back into the log."`
	Restore archiveRestore `cmd:"" help:"Append files to an empty database, or to one that ends where they begin."`
}

type archiveCreate struct {
	From    int64  `help:"First position, where a commit begins: the last of the archive before, and one." default:"1"`
	Through string `required:"" help:"Last position, or RFC 3339 time. A commit that goes on behind it is left out." placeholder:"POSITION|TIME"`
	To      string `required:"" help:"File to write, which must not be there." type:"path" placeholder:"FILE"`
}

// Run writes the archive beside a gateway, and puts the file in its place once it
// is whole and on the disk.
func (a archiveCreate) Run(ctx context.Context, p process) error {
	moment, err := projections.ParseAsOf(a.Through)
	if err != nil {
		return fmt.Errorf("--through: %w", err)
	}
	if a.From < 1 {
		return errors.New("--from: positions begin at 1")
	}
	return withReader(ctx, p, func(t tool) error {
		store := t.stores.events
		through, err := moment.In(ctx, store)
		if err != nil {
			return err
		}
		last, err := commands.ArchiveRange(ctx, store, a.From, through)
		if err != nil {
			return err
		}
		head := audit.Head{Position: last.LastPosition, Link: last.Link, SignedAt: time.Now().UTC().Truncate(time.Second)}
		var note []byte
		if t.config.HeadKey.IsZero() {
			fmt.Fprintln(p.Stderr, "PROSMS_HEAD_KEY is not set: the head of the archive is not signed")
		} else {
			note = t.config.HeadKey.Sign(head)
		}
		export := commands.Export{
			Store: store, First: a.From, Last: last.LastPosition,
			Head: func(context.Context, int64) (audit.Head, []byte, error) { return head, note, nil },
		}
		if err := writeWhole(a.To, func(out io.Writer) error { return pack(ctx, export, out) }); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "archived positions %d to %d, which end in %s\n", a.From, last.LastPosition, last.Link)
		return err
	})
}

func pack(ctx context.Context, export commands.Export, out io.Writer) error {
	compressed := gzip.NewWriter(out)
	encoder := json.NewEncoder(compressed)
	if err := export.Run(ctx, func(l audit.Line) error { return encoder.Encode(l) }); err != nil {
		return err
	}
	return compressed.Close()
}

// writeWhole writes a file that only its owner can read: on the disk as a whole, or
// not at all. It replaces none.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("writing %s: %w", path, os.ErrExist)
	}
	file, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path+".part")) }()
	out := bufio.NewWriter(file)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(path+".part", path) // unlike a rename it refuses one that has come meanwhile
}

type archiveVerify struct {
	Files   []string `arg:"" type:"path" help:"Archives, each beginning where the one before ends."`
	HeadKey string   `help:"The verifier key of their heads; without it no signature is checked." placeholder:"VKEY"`
	Log     bool     `help:"Also compare them with the log of DATABASE_URL: beside a gateway, and whatever of it is detached."`
}

// Run checks every digest and link, the signatures of the heads, and that the files
// follow each other.
func (a archiveVerify) Run(ctx context.Context, p process) error {
	var all []audit.Checked
	for i, path := range a.Files {
		checked, err := checkArchive(path, a.HeadKey)
		if err == nil && i > 0 {
			err = checked.Follow(all[i-1])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, checked)
		fmt.Fprintf(p.Stdout, "ok: %d events, positions %d to %d, which follow %s and end in %s\n",
			checked.Events, checked.First, checked.Last, checked.Previous, checked.Head.Link)
	}
	if a.HeadKey == "" {
		fmt.Fprintln(p.Stdout, "no signature was checked: compare links with such from elsewhere")
	}
	if !a.Log {
		return nil
	}
	return withReader(ctx, p, func(t tool) error {
		for i, checked := range all {
			if err := commands.SameLog(ctx, t.stores.events, checked); err != nil {
				return fmt.Errorf("%s: %w", a.Files[i], err)
			}
		}
		_, err := fmt.Fprintln(p.Stdout, "of this log: it has the same links before and at the end of each")
		return err
	})
}

func checkArchive(path, key string) (audit.Checked, error) {
	var verifier *audit.Verifier
	if key != "" {
		v, err := audit.ParseVerifier(key)
		if err != nil {
			return audit.Checked{}, fmt.Errorf("--head-key: %w", err)
		}
		verifier = &v
	}
	file, err := os.Open(path)
	if err != nil {
		return audit.Checked{}, err
	}
	defer file.Close()
	checked, err := audit.CheckArchive(file, verifier)
	if err != nil {
		return checked, fmt.Errorf("the archive does not verify: %w", err)
	}
	return checked, nil
}

type archiveRestore struct {
	Files    []string `arg:"" type:"path" help:"Archives, each beginning where the one before ends."`
	To       string   `required:"" help:"URL of the database, logged in as its owner." placeholder:"URL"`
	KeysFrom string   `required:"" help:"URL of the database whose keyring the log was written with. An archive holds no keys." placeholder:"URL"`
	HeadKey  string   `help:"The verifier key of the archives' heads; without it no signature is checked." placeholder:"VKEY"`
}

// Run verifies every file before it writes anything of it, and the chain of the
// whole log in the end.
func (a archiveRestore) Run(ctx context.Context, p process) (err error) {
	keys, err := openBeside(ctx, a.KeysFrom, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("--keys-from: %w", err)
	}
	defer func() { err = errors.Join(err, keys.close()) }()
	to, importer, err := openTarget(ctx, a.To)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.close()) }()
	if err := commands.CopyKeys(ctx, keys.exporter, to.keyring); err != nil {
		return err
	}
	for _, path := range a.Files {
		checked, err := checkArchive(path, a.HeadKey)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := readArchive(path, func(lines io.Reader) error {
			told := newProgress(p.Stderr, "restoring", checked.First-1, checked.Last).at
			return commands.ImportArchive(ctx, lines, importer, told)
		}); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	head, err := to.events.Head(ctx)
	if err != nil {
		return err
	}
	if err := verifyChain(ctx, p.Stderr, "restored log", to.events, head); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "restored up to position %d, which ends in %s\nViews are made by prosms replay, or by a gateway. Before a gateway, run prosms restored.\n", head.LastPosition, head.Link)
	return err
}

func readArchive(path string, read func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines, err := audit.Unpack(file)
	if err != nil {
		return err
	}
	return read(lines)
}
