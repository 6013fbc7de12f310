package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pro-sms/prosms/commands"
)

// masterKeyFile is where a demo keeps its master key, beside the database.
const masterKeyFile = "master-key"

// masterKeyBeside returns the file with the master key of a SQLite database; empty
// where there is none. So every tool can read what a demo has written.
func masterKeyBeside(databaseURL string) string {
	database, ok := sqlitePath(databaseURL)
	if !ok {
		return ""
	}
	path := filepath.Join(filepath.Dir(database), masterKeyFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// newMasterKey returns 32 random bytes in base64.
func newMasterKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it crashes the program instead
	return base64.StdEncoding.EncodeToString(key)
}

type masterKeyCommand struct {
	Rotate masterKeyRotate `cmd:"" help:"Wrap every key of the database by PROSMS_MASTER_KEY; what is wrapped by PROSMS_MASTER_KEY_PREVIOUS, or plain, is read."`
}

type masterKeyRotate struct{}

// Run wraps every key anew and says what to do next. It can be stopped and repeated.
func (masterKeyRotate) Run(ctx context.Context, p process) error {
	return withTool(ctx, p, func(t tool) error {
		if t.config.MasterKey == nil {
			return errors.New("set PROSMS_MASTER_KEY to the new key, and PROSMS_MASTER_KEY_PREVIOUS to the one before, if there was one")
		}
		changed, keys, err := commands.Rewrap(ctx, t.stores.keyring, t.config.master())
		if err != nil {
			return fmt.Errorf("%d keys are wrapped anew, run it again for the rest: %w", changed, err)
		}
		_, err = fmt.Fprintf(p.Stdout, "wrapped anew: %d of %d keys\nnow remove PROSMS_MASTER_KEY_PREVIOUS from every instance; backups made before still need it\n", changed, keys)
		return err
	})
}

// master is what wraps the keys of the database.
func (c *Config) master() commands.Master {
	return commands.Master{Present: c.MasterKey, Previous: c.MasterKeyPrevious}
}
