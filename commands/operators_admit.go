package commands

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Identity is somebody as an identity provider vouches for them.
type Identity struct {
	Name    string // lower-case; an address of e-mail, for most
	Role    domain.Role
	Subject events.Hash // of issuer and subject, which are theirs for ever
}

// Errors of identity providers, besides ports.ErrUnavailable.
var (
	ErrIdentity = errors.New("the identity provider's answer does not hold")
	ErrNoAccess = errors.New("the identity provider knows them, and gives them no access")
)

// AdmitOperator lets somebody in as an identity provider has it just now. It answers
// domain.ErrNameTaken where the name is another's, and ErrNoAccess if it is none.
func (h *Handler) AdmitOperator(ctx context.Context, identity Identity) error {
	if !validAdmitted(identity.Name) || !slices.Contains(domain.Roles, identity.Role) || identity.Subject == (events.Hash{}) {
		return ErrNoAccess
	}
	return h.operators(ctx, Caller{Actor: "operator:" + identity.Name},
		domain.AdmitOperator{Name: identity.Name, Role: identity.Role, Subject: identity.Subject})
}

// validAdmitted allows names of e-mail beside those that are chosen here.
func validAdmitted(name string) bool {
	return len(name) <= 200 && name != "" && strings.ToLower(name) == name &&
		strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>\/?#%&`, r) }) < 0
}

// SignedIn records that an operator came in, and how: by "password", "link" or "oidc".
func (h *Handler) SignedIn(ctx context.Context, name string, role domain.Role, method string) error {
	id := uuid.Must(uuid.NewV7())
	results, err := h.Store.Append(ctx, ports.Write{
		StreamID: signInPrefix + hex.EncodeToString(id[:]),
		Events:   []events.Event{events.OperatorSignedIn{Name: name, Role: string(role), Method: method}},
		Meta:     Caller{Actor: "operator:" + name}.meta(),
	})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return fmt.Errorf("recording a sign-in: %w", err)
	}
	return nil
}
