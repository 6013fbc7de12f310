package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// newHeadSigner keeps signed heads in PROSMS_HEAD_FILE and posts them to PROSMS_HEAD_URL;
// without either they are in the log of the process, for whoever collects that. key
// returns PROSMS_HEAD_KEY as it is by then; nil: as it was at the start.
func newHeadSigner(c Config, key func(context.Context) string, store ports.EventStore, log *slog.Logger) *commands.HeadSigner {
	file := &headFile{path: c.HeadFile, signers: []audit.Verifier{c.HeadKey.Verifier()}}
	present := c.HeadKey
	signer := &commands.HeadSigner{Store: store, Log: log, Signer: func(ctx context.Context) audit.Signer {
		if key == nil {
			return present
		}
		if s, err := audit.ParseSigner(key(ctx)); err == nil && s.Secret() != present.Secret() {
			present = s
			file.signers = append(file.signers, s.Verifier())
			log.Info("heads are signed with another key", "verifier", s.Verifier().String())
		}
		return present
	}}
	if c.HeadFile != "" {
		signer.Keepers = append(signer.Keepers, commands.HeadKeeper{Last: file.last, Keep: file.keep})
	}
	if c.HeadURL != "" {
		signer.Keepers = append(signer.Keepers, remembered(postHead(c.HeadURL)))
	}
	if len(signer.Keepers) == 0 {
		signer.Keepers = append(signer.Keepers, remembered(func(_ context.Context, h audit.Head, note []byte) error {
			log.Info("signed head", "position", h.Position, "note", string(note))
			return nil
		}))
	}
	return signer
}

// remembered is a keeper that cannot be asked for its last head.
func remembered(keep func(context.Context, audit.Head, []byte) error) commands.HeadKeeper {
	var last audit.Head
	return commands.HeadKeeper{
		Last: func() (audit.Head, error) { return last, nil },
		Keep: func(ctx context.Context, h audit.Head, note []byte) error {
			err := keep(ctx, h, note)
			if err == nil {
				last = h
			}
			return err
		},
	}
}

// headFile is a file of signed heads, which only grows.
type headFile struct {
	path    string
	signers []audit.Verifier // who may have signed its last head
}

// tail is read for the last head; a note has about 250 bytes.
const tail = 8 << 10

// last returns the last head of the file; the zero Head if there is none yet.
func (f *headFile) last() (audit.Head, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return audit.Head{}, nil
	}
	if err != nil {
		return audit.Head{}, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return audit.Head{}, err
	}
	content := make([]byte, min(size, tail))
	if _, err := file.ReadAt(content, size-int64(len(content))); err != nil {
		return audit.Head{}, err
	}
	var last audit.Head
	for _, v := range f.signers {
		whole := string(content)
		if size > tail { // begin with a whole note
			_, rest, _ := strings.Cut(whole, "\n\n"+v.Name()+"\n")
			whole = v.Name() + "\n" + rest
		}
		heads, _, err := audit.Heads(strings.NewReader(whole), v)
		if err != nil {
			return audit.Head{}, err
		}
		if n := len(heads); n > 0 && heads[n-1].Position > last.Position {
			last = heads[n-1]
		}
	}
	if last.Position == 0 && size > 0 {
		return audit.Head{}, errors.New("its end holds no head with a signature of PROSMS_HEAD_KEY: begin a new file")
	}
	return last, nil
}

// keep appends a note and an empty line. What a crash left unfinished before it is
// set apart.
func (f *headFile) keep(_ context.Context, _ audit.Head, note []byte) error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	entry := append(slices.Clone(note), '\n')
	if size, err := file.Seek(0, io.SeekEnd); err == nil && size >= 2 {
		end := make([]byte, 2)
		if _, err := file.ReadAt(end, size-2); err == nil && string(end) != "\n\n" {
			entry = append([]byte("\n\n\n"), entry...)
		}
	}
	_, err = file.Write(entry)
	return errors.Join(err, file.Sync(), file.Close())
}

// readHeads returns the heads of a file. What is wrong with the file itself is in faults.
func readHeads(path string, keys ...string) (heads []audit.Head, faults []audit.Fault, err error) {
	signers := make([]audit.Verifier, len(keys))
	for i, key := range keys {
		if signers[i], err = audit.ParseVerifier(key); err != nil {
			return nil, nil, fmt.Errorf("--head-key: %w", err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("--head: %w", err)
	}
	defer file.Close()
	heads, faults, err = audit.Heads(file, signers...)
	if err == nil && len(heads) == 0 {
		err = errors.New("--head: holds no head with a signature of this key")
	}
	return heads, faults, err
}
