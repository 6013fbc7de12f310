package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/pro-sms/prosms/domain"
)

// staffCommand is about the operators of the admin pages.
type staffCommand struct {
	List   operatorsList   `cmd:"" help:"List who may use the admin pages."`
	Invite operatorsInvite `cmd:"" help:"Print a link with which somebody comes in, once, within three days: a new operator, or one who has lost the password."`
	Role   operatorsRole   `cmd:"" help:"Change what an operator may do."`
	Remove operatorsRemove `cmd:"" help:"End an operator's access at once, on every instance."`
}

type operatorsList struct{}

// Run lists operators by name.
func (operatorsList) Run(ctx context.Context, p process) error {
	return withTool(ctx, p, func(t tool) error {
		operators, err := t.handler.Operators(ctx)
		if err != nil {
			return err
		}
		table := newTable(p.Stdout, "NAME", "ROLE", "JOINED")
		for _, name := range slices.Sorted(maps.Keys(operators.ByName)) {
			table.row(name, operators.ByName[name].Role, operators.ByName[name].Joined)
		}
		return table.Flush()
	})
}

type operatorsInvite struct {
	Name string `arg:"" help:"Lower-case letters, digits, '-', '_' and '.'."`
	Role string `required:"" enum:"viewer,operator,admin" help:"viewer, operator or admin."`
}

// Run prints the link alone on the last line.
func (o operatorsInvite) Run(ctx context.Context, p process) error {
	return withTool(ctx, p, func(t tool) error {
		if !t.config.PasswordSignIn {
			return errors.New("PROSMS_PASSWORD_SIGN_IN is false: the identity provider decides who comes in")
		}
		caller := operator()
		caller.Reason = "invited on the command line"
		token, err := t.handler.InviteOperator(ctx, caller, o.Name, domain.Role(o.Role))
		if err != nil {
			return fmt.Errorf("inviting operator: %w", err)
		}
		_, err = fmt.Fprintf(p.Stdout, "a link for %s as %s; it works once:\n%s/join?token=%s\n", o.Name, o.Role, cmp.Or(t.config.AdminURL, "http://"+t.config.AdminAddr), url.QueryEscape(token))
		return err
	})
}

type operatorsRole struct {
	Name   string `arg:""`
	Role   string `arg:"" enum:"viewer,operator,admin" help:"viewer, operator or admin."`
	Reason string `required:"" help:"Why; it goes into the log."`
}

// Run changes the role as the admin pages do. Whom an identity provider lets in has the
// role that it says.
func (o operatorsRole) Run(ctx context.Context, p process) error {
	return withTool(ctx, p, func(t tool) error {
		caller := operator()
		caller.Reason = o.Reason
		if err := t.handler.ChangeRole(ctx, caller, o.Name, domain.Role(o.Role)); err != nil {
			return fmt.Errorf("changing a role: %w", err)
		}
		_, err := fmt.Fprintf(p.Stdout, "%s is %s now\n", o.Name, o.Role)
		return err
	})
}

type operatorsRemove struct {
	Name   string `arg:""`
	Reason string `required:"" help:"Why; it goes into the log."`
}

// Run removes the operator as the admin pages do.
func (o operatorsRemove) Run(ctx context.Context, p process) error {
	return withTool(ctx, p, func(t tool) error {
		caller := operator()
		caller.Reason = o.Reason
		if err := t.handler.RemoveOperator(ctx, caller, o.Name); err != nil {
			return fmt.Errorf("removing operator: %w", err)
		}
		_, err := fmt.Fprintf(p.Stdout, "%s is no operator any more\n", o.Name)
		return err
	})
}
