package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/ports"
)

// The roles of an instance.
const (
	roleAPI      = "api"
	roleRelay    = "relay"
	roleDispatch = "dispatch"
	roleProject  = "project"
	roleSchedule = "schedule"
)

var allRoles = roles{roleAPI, roleRelay, roleDispatch, roleProject, roleSchedule}

// roles are what an instance does.
type roles []string

func (r roles) has(role string) bool { return slices.Contains(r, role) }

// checkRoles names the roles that do not exist.
func checkRoles(given roles) error {
	var unknown []string
	for _, role := range given {
		if !allRoles.has(role) {
			unknown = append(unknown, role)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("--roles: %s: the roles are %s", strings.Join(unknown, ", "), strings.Join(allRoles, ", "))
	}
	return nil
}

// together runs duties side by side until ctx ends or one fails. A role takes a
// connection to the store, so what one instance does alone is one role.
func together(duties []func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		running, ctx := errgroup.WithContext(ctx)
		for _, duty := range duties {
			running.Go(func() error { return duty(ctx) })
		}
		return running.Wait()
	}
}

// lead runs run whenever this instance holds role, until ctx ends or run fails.
// A role that is lost, with the connection to the store, is competed for again.
func lead(ctx context.Context, leader ports.Leader, role string, run func(context.Context) error) error {
	for {
		if err := leader.Lead(ctx, role, run); err != nil || ctx.Err() != nil {
			return err
		}
	}
}
