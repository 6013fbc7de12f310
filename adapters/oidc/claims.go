package oidc

import (
	"slices"
	"strings"

	"github.com/pro-sms/prosms/domain"
)

// name returns what an operator is called, or nothing for whom no name can be
// believed. An address of e-mail counts only where the issuer says that it has
// verified it: anybody may write another's into their profile.
func (c *Client) name(claims map[string]any) string {
	email, _ := claims["email"].(string)
	email = strings.ToLower(email)
	verified := claims["email_verified"] == true || claims["email_verified"] == "true" // Amazon Cognito writes a string
	if len(c.config.Domains) > 0 {
		_, at, _ := strings.Cut(email, "@")
		if !verified || !slices.Contains(c.config.Domains, at) {
			return ""
		}
	}
	if c.config.NameClaim == "email" {
		if !verified {
			return ""
		}
		return email
	}
	name, _ := claims[c.config.NameClaim].(string)
	return strings.ToLower(name)
}

// role returns the highest role that the claims give; empty for none.
func (c *Client) role(claims map[string]any) domain.Role {
	values := texts(find(claims, c.config.RoleClaim))
	var highest domain.Role
	for _, grant := range c.config.Roles {
		if slices.Contains(values, grant.Value) && (highest == "" || grant.Role.Includes(highest)) {
			highest = grant.Role
		}
	}
	return highest
}

// find returns the claim of this name, or where there is none the one that a path
// with dots leads to: names may be URLs, which have dots themselves.
func find(claims map[string]any, name string) any {
	if claim, ok := claims[name]; ok {
		return claim
	}
	first, rest, nested := strings.Cut(name, ".")
	if inner, ok := claims[first].(map[string]any); ok && nested {
		return find(inner, rest)
	}
	return nil
}

// texts returns a text, or those in a list.
func texts(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		var all []string
		for _, one := range claim {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}
