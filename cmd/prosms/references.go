package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pro-sms/prosms/adapters/awssecrets"
	"github.com/pro-sms/prosms/adapters/vault"
	"github.com/pro-sms/prosms/ports"
)

// referencesTimeout bounds how long all secrets of a configuration may take
// together, so that a store that is gone stops a start with a fault that says so.
const referencesTimeout = 20 * time.Second

// references follows references to secrets for one reading of the configuration:
// env:NAME is another variable, file:/path the content of a file without the
// line's end, vault:path#field and awssm:name#field are fields of a secret that is
// kept there. Each secret is read once, however many refer to it.
type references struct {
	ctx     context.Context // of the reading, and no longer
	environ map[string]string
	stores  map[string]func() (ports.Secrets, error)
	read    map[string]secretRead // by kind and path
}

// secretRead is what came of reading one secret.
type secretRead struct {
	fields map[string]string
	err    error
}

func newReferences(ctx context.Context, environ map[string]string) *references {
	return &references{
		ctx: ctx, environ: environ, read: map[string]secretRead{},
		stores: map[string]func() (ports.Secrets, error){
			"vault": func() (ports.Secrets, error) { return vault.Open() },
			"awssm": func() (ports.Secrets, error) { return awssecrets.Open(ctx) },
		},
	}
}

// follow returns the secret that value refers to, or value if it is the secret
// itself. Its error quotes neither.
func (r *references) follow(value string) (string, error) {
	kind, rest, _ := strings.Cut(value, ":")
	switch kind {
	case "env":
		referred, ok := r.environ[rest]
		if !ok {
			return "", errors.New("refers to a variable that is not set")
		}
		return referred, nil
	case "file":
		content, err := os.ReadFile(rest)
		if err != nil {
			return "", errors.New("refers to a file that cannot be read")
		}
		return strings.TrimRight(string(content), "\r\n"), nil
	case "vault", "awssm":
		path, field, _ := strings.Cut(rest, "#")
		if path == "" || kind == "vault" && field == "" {
			return "", fmt.Errorf("refers to no secret: %s:path#field", kind)
		}
		secret := r.secret(kind, path)
		if secret.err != nil {
			return "", secret.err
		}
		found, ok := secret.fields[field]
		if !ok {
			return "", errors.New("refers to a field that the secret does not have")
		}
		return found, nil
	}
	return value, nil
}

func (r *references) secret(kind, path string) secretRead {
	key := kind + ":" + path
	if known, ok := r.read[key]; ok {
		return known
	}
	var got secretRead
	store, err := r.stores[kind]()
	if err == nil {
		got.fields, err = store.Read(r.ctx, path)
	}
	got.err = err
	r.read[key] = got
	return got
}
