package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

type auditCommand struct {
	Key    auditKey    `cmd:"" help:"Make a key that signs heads of the log."`
	Head   auditHead   `cmd:"" help:"Sign the head of the log now."`
	Export auditExport `cmd:"" help:"Write events as a bundle that audit-verify checks without the log. It holds them as they are stored: numbers and texts sealed."`
}

type auditKey struct {
	Name string `arg:"" help:"Name of the installation, such as sms.example.com/prosms."`
}

// Run prints a new key, and the one that verifies its signatures.
func (k auditKey) Run(p process) error {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails
	signer, err := audit.NewSigner(k.Name, seed)
	if err != nil {
		return fmt.Errorf("the name: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "PROSMS_HEAD_KEY, a secret: %s\nits verifier key, for everybody: %s\n", signer.Secret(), signer.Verifier())
	return err
}

type auditHead struct{}

// Run signs the head, appends it to PROSMS_HEAD_FILE if the log has grown since the
// last one there, posts it to PROSMS_HEAD_URL, and prints it.
func (auditHead) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) error {
		config, store := t.config, t.stores.events
		if config.HeadKey.IsZero() {
			return errors.New("PROSMS_HEAD_KEY is not set")
		}
		if config.HeadFile+config.HeadURL != "" {
			note, err := newHeadSigner(config, nil, store, newLogger(p.Stderr, config)).Sign(ctx)
			if err != nil || note != nil {
				return errors.Join(err, printNote(p, note))
			}
		}
		head, err := store.Head(ctx)
		if err != nil {
			return err
		}
		return printNote(p, config.HeadKey.Sign(audit.Head{Position: head.LastPosition, Link: head.Link, SignedAt: time.Now()}))
	})
}

func printNote(p process, note []byte) error {
	_, err := p.Stdout.Write(note)
	return err
}

type auditExport struct {
	What string `arg:"" help:"Id of a text (msg_…), or positions as FIRST-LAST."`
	Out  string `help:"File to write; standard output by default." type:"path"`
}

// Run writes the bundle.
func (x auditExport) Run(ctx context.Context, p process) error {
	return withReader(ctx, p, func(t tool) (err error) {
		config, store := t.config, t.stores.events
		export := commands.Export{Store: store, Stream: x.What}
		if first, last, ok := strings.Cut(x.What, "-"); ok {
			var err1, err2 error
			export.First, err1 = strconv.ParseInt(first, 10, 64)
			export.Last, err2 = strconv.ParseInt(last, 10, 64)
			if err1 == nil && err2 == nil {
				export.Stream = ""
			}
		}
		export.Head = func(ctx context.Context, position int64) (audit.Head, []byte, error) {
			return config.headBehind(ctx, store, position)
		}
		target := p.Stdout
		if x.Out != "" {
			file, err := os.OpenFile(x.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			target = file
		}
		if config.HeadKey.IsZero() {
			fmt.Fprintln(p.Stderr, "PROSMS_HEAD_KEY is not set: nothing in the bundle is signed")
		}
		out := bufio.NewWriter(target)
		encoder := json.NewEncoder(out)
		if err := export.Run(ctx, func(l audit.Line) error { return encoder.Encode(l) }); err != nil {
			return err
		}
		return out.Flush()
	})
}

// headBehind returns the first head of PROSMS_HEAD_FILE that covers a position,
// else the present one; signed anew, which gives the same note, if there is a key.
func (c Config) headBehind(ctx context.Context, store ports.EventStore, position int64) (audit.Head, []byte, error) {
	if _, err := os.Stat(c.HeadFile); err == nil {
		heads, _, err := readHeads(c.HeadFile, c.HeadKey.Verifier().String())
		if err != nil {
			return audit.Head{}, nil, err
		}
		for _, h := range heads {
			if h.Position >= position {
				return h, c.HeadKey.Sign(h), nil
			}
		}
	}
	commit, err := store.Head(ctx)
	h := audit.Head{Position: commit.LastPosition, Link: commit.Link, SignedAt: time.Now().UTC().Truncate(time.Second)}
	if err != nil || c.HeadKey.IsZero() {
		return h, nil, err
	}
	return h, c.HeadKey.Sign(h), nil
}
