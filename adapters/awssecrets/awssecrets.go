// Package awssecrets reads secrets from AWS Secrets Manager by the official SDK.
// Region, credentials and endpoint are what its default chain finds: the AWS_
// variables, shared files, the role of a container or machine.
package awssecrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/pro-sms/prosms/ports"
)

// Secrets reads from Secrets Manager in one region. It is safe for concurrent use.
type Secrets struct{ client *secretsmanager.Client }

// Open makes a client from what the default chain finds. It asks for no credentials yet.
func Open(ctx context.Context) (*Secrets, error) {
	found, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, errors.New("reading the configuration of the AWS SDK: malformed") // the cause may quote it
	}
	if found.Region == "" {
		return nil, errors.New("reading the configuration of the AWS SDK: no region, set AWS_REGION")
	}
	return &Secrets{secretsmanager.NewFromConfig(found)}, nil
}

// Read implements ports.Secrets. A path is a secret's name or ARN. Its fields are
// those of its JSON object, where it is one.
func (s *Secrets) Read(ctx context.Context, path string) (map[string]string, error) {
	value, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &path})
	if err != nil {
		return nil, fault(err)
	}
	if value.SecretString == nil {
		return map[string]string{"": string(value.SecretBinary)}, nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(*value.SecretString), &object) != nil || object == nil {
		return map[string]string{"": *value.SecretString}, nil
	}
	fields := make(map[string]string, len(object))
	for name, raw := range object {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		fields[name] = text
	}
	return fields, nil
}

// fault says what went wrong without what the service says about it, which may
// name the secret.
func fault(err error) error {
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("reading from Secrets Manager: %w", ports.ErrNoSecret)
	}
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("reading from Secrets Manager: it answered %s", refusal.ErrorCode())
	}
	if _, unreadable := errors.AsType[*smithy.DeserializationError](err); unreadable {
		return errors.New("reading from Secrets Manager: an answer that cannot be read")
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("reading from Secrets Manager: no answer in time")
	}
	return fmt.Errorf("reading from Secrets Manager: %w", err)
}
