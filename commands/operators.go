package commands

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// invitationTTL is how long an invitation lets somebody in.
const invitationTTL = 72 * time.Hour

// Operators returns who may use the admin pages.
func (h *Handler) Operators(ctx context.Context) (domain.Operators, error) {
	s, err := load[domain.Operators](ctx, h.Store, operatorsStream)
	return s.State, err
}

// SetUpOperators makes the first operator, an admin. Password is its hash; empty
// means that only a link lets them in. It answers ErrSetUp once there is one.
func (h *Handler) SetUpOperators(ctx context.Context, name string, password events.PasswordHash) error {
	if err := validateOperator(name, domain.RoleAdmin); err != nil {
		return err
	}
	return h.operators(ctx, Caller{Actor: "operator:" + name}, domain.SetUpOperators{Name: name, Password: password})
}

// InviteOperator returns a token with which name can set a password and come in.
// For an operator that exists it is a way back in, and changes the role.
func (h *Handler) InviteOperator(ctx context.Context, caller Caller, name string, role domain.Role) (token string, err error) {
	if err := validateOperator(name, role); err != nil {
		return "", err
	}
	token = rand.Text()
	return token, h.operators(ctx, caller, domain.InviteOperator{Invitation: events.OperatorInvited{
		Name: name, Role: string(role), Token: sha256.Sum256([]byte(token)), ExpiresAt: h.now().Add(invitationTTL), By: caller.Actor,
	}})
}

// JoinOperator uses an invitation up and returns whose it was.
func (h *Handler) JoinOperator(ctx context.Context, token string, password events.PasswordHash) (name string, err error) {
	hash := events.Hash(sha256.Sum256([]byte(token)))
	_, decided, err := execute(ctx, h.Store, operatorsStream, func(s stream[domain.Operators]) (domain.Command, events.Meta, error) {
		now := h.now()
		name, _ = s.State.Invited(hash, now)
		return domain.JoinOperator{Token: hash, Password: password, Now: now}, events.Meta{Actor: "operator:" + name}, nil
	})
	if err != nil || len(decided) == 0 {
		return "", err
	}
	return name, nil
}

// ChangeRole gives an operator another role.
func (h *Handler) ChangeRole(ctx context.Context, caller Caller, name string, role domain.Role) error {
	if !slices.Contains(domain.Roles, role) {
		return Invalid{invalidRole}
	}
	return h.operators(ctx, caller, domain.ChangeRole{Name: name, Role: role, By: caller.Actor})
}

// RemoveOperator ends an operator's access at once.
func (h *Handler) RemoveOperator(ctx context.Context, caller Caller, name string) error {
	return h.operators(ctx, caller, domain.RemoveOperator{Name: name, By: caller.Actor})
}

func (h *Handler) operators(ctx context.Context, caller Caller, c domain.Command) error {
	_, _, err := execute(ctx, h.Store, operatorsStream, func(stream[domain.Operators]) (domain.Command, events.Meta, error) {
		return c, caller.meta(), nil
	})
	return err
}

var invalidRole = Fault{Pointer: "/role", Code: CodeInvalidValue, Detail: "one of viewer, operator, admin"}

func validateOperator(name string, role domain.Role) error {
	var invalid Invalid
	if !ValidTenant(name) || strings.ToLower(name) != name {
		invalid.add("/name", CodeInvalidValue, "1 to 64 lower-case letters, digits, '-', '_' or '.'")
	}
	if !slices.Contains(domain.Roles, role) {
		invalid = append(invalid, invalidRole)
	}
	if len(invalid) > 0 {
		return invalid
	}
	return nil
}

// Pepper returns a keyed hash of a password. What is kept is a slow hash of that,
// so that whoever has the log but not the master key cannot try passwords.
func (l Lookup) Pepper(password string) []byte { return l.sum("password", password) }
