// Package vault reads secrets from HashiCorp Vault's key-value engines, version 1
// and 2, by the official client. Address, token, namespace and certificates are
// what the client reads in VAULT_ADDR, VAULT_TOKEN and its other variables.
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/pro-sms/prosms/ports"
)

// Secrets reads from one Vault. It is safe for concurrent use.
type Secrets struct{ client *api.Client }

// Open makes a client from the VAULT_ variables. It connects to nothing.
func Open() (*Secrets, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, errors.New("reading the VAULT_ variables: malformed") // the cause may quote them
	}
	client, err := api.NewClient(config)
	if err != nil {
		return nil, errors.New("reading the VAULT_ variables: malformed")
	}
	return &Secrets{client}, nil
}

// Read implements ports.Secrets. A path is what vault kv get takes, as
// secret/prosms. With version 2 of the engine that of the API, secret/data/prosms,
// is understood as well.
func (s *Secrets) Read(ctx context.Context, path string) (map[string]string, error) {
	path, err := s.apiPath(ctx, strings.Trim(path, "/"))
	if err != nil {
		return nil, err
	}
	secret, err := s.client.Logical().ReadWithContext(ctx, path)
	if err != nil {
		return nil, fault(err)
	}
	if secret == nil {
		return nil, fmt.Errorf("reading from Vault: %w", ports.ErrNoSecret)
	}
	data := secret.Data
	if _, versioned := data["metadata"].(map[string]any); versioned { // version 2 wraps the fields
		if data, _ = data["data"].(map[string]any); data == nil { // a deleted version
			return nil, fmt.Errorf("reading from Vault: %w", ports.ErrNoSecret)
		}
	}
	fields := make(map[string]string, len(data))
	for name, value := range data {
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			if err != nil {
				return nil, errors.New("reading from Vault: an answer that cannot be read")
			}
			text = string(encoded)
		}
		fields[name] = text
	}
	return fields, nil
}

// apiPath asks which version the engine at path has, as the command line of Vault
// does, and puts in the data/ that version 2 wants. A token that may not ask gets
// its path as it stands.
func (s *Secrets) apiPath(ctx context.Context, path string) (string, error) {
	mount, err := s.client.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+path)
	if refusal, ok := errors.AsType[*api.ResponseError](err); ok && refusal.StatusCode < 500 {
		return path, nil
	}
	if err != nil {
		return "", fault(err)
	}
	if mount == nil {
		return path, nil
	}
	at, _ := mount.Data["path"].(string)
	options, _ := mount.Data["options"].(map[string]any)
	rest, below := strings.CutPrefix(path, at)
	if options["version"] != "2" || !below || strings.HasPrefix(rest, "data/") {
		return path, nil
	}
	return at + "data/" + rest, nil
}

// fault says what went wrong without the path, which errors of the client name.
func fault(err error) error {
	if refusal, ok := errors.AsType[*api.ResponseError](err); ok {
		return fmt.Errorf("reading from Vault: it answered %d", refusal.StatusCode)
	}
	if connection, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("reading from Vault: %w", connection.Err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("reading from Vault: no answer in time")
	}
	return errors.New("reading from Vault: an answer that cannot be read")
}
