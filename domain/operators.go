package domain

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
)

// Refusals of commands about operators.
var (
	ErrLastAdmin  = errors.New("the last admin")
	ErrInvitation = errors.New("no such invitation, or it has been used or has expired")
	ErrSetUp      = errors.New("operators are set up already")
	ErrNameTaken  = errors.New("somebody else has this name")
	ErrAdmitted   = errors.New("the identity provider decides about this operator")
)

// Role is what an operator may do. Each includes those before it.
type Role string

// The roles, the least first.
const (
	Viewer       Role = "viewer"   // look, with numbers and bodies masked
	RoleOperator Role = "operator" // see and act on texts
	RoleAdmin    Role = "admin"    // keys and operators too
)

// Roles lists all of them, the least first.
var Roles = []Role{Viewer, RoleOperator, RoleAdmin}

// Includes reports whether r may do what other may.
func (r Role) Includes(other Role) bool {
	return slices.Contains(Roles, other) && slices.Index(Roles, r) >= slices.Index(Roles, other)
}

// Operator is somebody who may use the admin pages, once they have joined.
type Operator struct {
	Role     Role
	Password events.PasswordHash // empty: none
	Joined   bool
	Subject  events.Hash // as whom an identity provider lets them in; zero: none does
	Era      int         // changes when what the operator signs in with does: sessions of earlier ones have ended

	token     events.Hash
	expiresAt time.Time // of the invitation; zero: there is none
}

// Admitted reports whether it is an identity provider that lets o in.
func (o Operator) Admitted() bool { return o.Subject != events.Hash{} }

// Operators are all of them by name, as one state: that an admin remains is a
// question to all. The zero value has none.
type Operators struct {
	ByName map[string]Operator
	era    int // the last one that began, of whomever: none comes twice, even under the name of one who was removed
}

// SetUpOperators makes the first operator, an admin.
type SetUpOperators struct {
	Name     string
	Password events.PasswordHash
}

// InviteOperator lets somebody set a password: who is new, or has lost theirs.
type InviteOperator struct{ Invitation events.OperatorInvited }

// JoinOperator uses an invitation.
type JoinOperator struct {
	Token    events.Hash
	Password events.PasswordHash
	Now      time.Time
}

// AdmitOperator lets in whom an identity provider vouches for, in the role that it
// gives. A name belongs to who came by it first.
type AdmitOperator struct {
	Name    string
	Role    Role
	Subject events.Hash
}

// ChangeRole gives an operator another role.
type ChangeRole struct {
	Name string
	Role Role
	By   string
}

// RemoveOperator ends an operator's access.
type RemoveOperator struct{ Name, By string }

// Decide answers c with events; what is so already needs none.
func (o Operators) Decide(c Command) ([]events.Event, error) {
	switch c := c.(type) {
	case SetUpOperators:
		if len(o.ByName) > 0 {
			return nil, ErrSetUp
		}
		return []events.Event{events.OperatorJoined{Name: c.Name, Role: string(RoleAdmin), Password: c.Password}}, nil
	case AdmitOperator:
		return o.admit(c)
	case InviteOperator:
		if o.ByName[c.Invitation.Name].Admitted() {
			return nil, ErrAdmitted
		}
		if o.without(c.Invitation.Name, Role(c.Invitation.Role)) == 0 {
			return nil, ErrLastAdmin
		}
		return []events.Event{c.Invitation}, nil
	case JoinOperator:
		name, ok := o.Invited(c.Token, c.Now)
		if !ok {
			return nil, ErrInvitation
		}
		return []events.Event{events.OperatorJoined{Name: name, Role: string(o.ByName[name].Role), Password: c.Password}}, nil
	case ChangeRole:
		return o.changeRole(c)
	case RemoveOperator:
		switch _, known := o.ByName[c.Name]; {
		case !known:
			return nil, ErrNotFound
		case o.without(c.Name, "") == 0:
			return nil, ErrLastAdmin
		}
		return []events.Event{events.OperatorRemoved{Name: c.Name, By: c.By}}, nil
	}
	return nil, fmt.Errorf("deciding %T: %w", c, ErrUnknownCommand)
}

// admit does not ask whether an admin remains: the identity provider has decided.
func (o Operators) admit(c AdmitOperator) ([]events.Event, error) {
	operator, known := o.ByName[c.Name]
	switch {
	case known && operator.Subject != c.Subject:
		return nil, ErrNameTaken
	case known && operator.Role == c.Role:
		return nil, nil
	}
	return []events.Event{events.OperatorAdmitted{Name: c.Name, Role: string(c.Role), Subject: c.Subject}}, nil
}

func (o Operators) changeRole(c ChangeRole) ([]events.Event, error) {
	operator, known := o.ByName[c.Name]
	switch {
	case !known:
		return nil, ErrNotFound
	case operator.Admitted():
		return nil, ErrAdmitted
	case operator.Role == c.Role:
		return nil, nil
	case o.without(c.Name, c.Role) == 0:
		return nil, ErrLastAdmin
	}
	return []events.Event{events.OperatorRoleChanged{Name: c.Name, Role: string(c.Role), By: c.By}}, nil
}

// without returns how many admins can sign in once name has role; before anybody
// has joined that is nobody's loss, and 1.
func (o Operators) without(name string, role Role) int {
	before, after := 0, 0
	for n, operator := range o.ByName {
		if !operator.Joined || operator.Role != RoleAdmin {
			continue
		}
		before++
		if n != name || role == RoleAdmin {
			after++
		}
	}
	if before == 0 {
		return 1
	}
	return after
}

// Invited returns whose invitation has this token, if it is good at now.
func (o Operators) Invited(token events.Hash, now time.Time) (name string, ok bool) {
	for name, operator := range o.ByName {
		if operator.token == token && now.Before(operator.expiresAt) {
			return name, true
		}
	}
	return "", false
}

// Evolve returns o after e.
func (o Operators) Evolve(e events.Event) Operators {
	byName, era := maps.Clone(o.ByName), o.era
	if byName == nil {
		byName = map[string]Operator{}
	}
	switch e := e.(type) {
	case events.OperatorInvited:
		operator := byName[e.Name]
		operator.Role, operator.token, operator.expiresAt = Role(e.Role), e.Token, e.ExpiresAt
		byName[e.Name] = operator
	case events.OperatorJoined:
		era++
		byName[e.Name] = Operator{Role: Role(e.Role), Password: e.Password, Joined: true, Era: era}
	case events.OperatorAdmitted:
		operator, known := byName[e.Name]
		if !known {
			era++
			operator = Operator{Subject: e.Subject, Joined: true, Era: era}
		}
		operator.Role = Role(e.Role)
		byName[e.Name] = operator
	case events.OperatorRoleChanged:
		operator := byName[e.Name]
		operator.Role = Role(e.Role)
		byName[e.Name] = operator
	case events.OperatorRemoved:
		delete(byName, e.Name)
	}
	return Operators{ByName: byName, era: era}
}
