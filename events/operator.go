package events

import "time"

// OperatorInvited says that somebody may set a password and then use the admin
// pages. Only a hash of the invitation's token is kept.
type OperatorInvited struct {
	Name      string    `json:"name"`
	Role      string    `json:"role"`  // "viewer", "operator", "admin"
	Token     Hash      `json:"token"` // SHA-256 of the token, which has 128 random bits or more
	ExpiresAt time.Time `json:"expires_at"`
	By        string    `json:"by"`
}

// OperatorJoined says that an invitation, or the link of the first start, was
// used. Password is the Argon2id hash of a keyed hash of it, so that the log alone
// does not let anybody guess; empty: there is none, and only a link lets them in.
type OperatorJoined struct {
	Name     string       `json:"name"`
	Role     string       `json:"role"`
	Password PasswordHash `json:"password,omitempty"`
}

// PasswordHash is the stored form of a password. It prints as stars.
type PasswordHash string

// String returns stars.
func (PasswordHash) String() string { return "****" }

// GoString returns stars.
func (PasswordHash) GoString() string { return "****" }

// OperatorRoleChanged gives an operator another role.
type OperatorRoleChanged struct {
	Name string `json:"name"`
	Role string `json:"role"`
	By   string `json:"by"`
}

// OperatorRemoved ends an operator's access, sessions included.
type OperatorRemoved struct {
	Name string `json:"name"`
	By   string `json:"by"`
}

// OperatorAdmitted says that an identity provider vouched for somebody new, or gave
// somebody another role. It decides that anew at each sign-in.
type OperatorAdmitted struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Subject Hash   `json:"subject"` // SHA-256 of issuer and subject, by which the provider knows them
}

// OperatorSignedIn says that an operator came in, in a stream of its own.
type OperatorSignedIn struct {
	Name   string `json:"name"`
	Role   string `json:"role"`   // at that time
	Method string `json:"method"` // "password", "link" (of an invitation or the first start), "oidc"
}

func (OperatorInvited) EventType() string     { return "operator.invited" }
func (OperatorJoined) EventType() string      { return "operator.joined" }
func (OperatorRoleChanged) EventType() string { return "operator.role_changed" }
func (OperatorRemoved) EventType() string     { return "operator.removed" }
func (OperatorAdmitted) EventType() string    { return "operator.admitted" }
func (OperatorSignedIn) EventType() string    { return "operator.signed_in" }
