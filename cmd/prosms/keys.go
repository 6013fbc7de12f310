package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

type keysCommand struct {
	Create keysCreate `cmd:"" help:"Create a key and print it alone on the last line."`
	List   keysList   `cmd:"" help:"List keys."`
	Rotate keysRotate `cmd:"" help:"Make a key in the place of another, which goes on for a while. Prints it alone on the last line."`
	Revoke keysRevoke `cmd:"" help:"Revoke a key. Instances that run notice within a second."`
}

type keysCreate struct {
	Tenant  string   `required:"" help:"Whom the key acts for."`
	Scope   []string `required:"" enum:"messages:write,messages:read,admin" help:"messages:write, messages:read, admin."`
	Test    bool     `help:"Make a psk_test_ key: its texts only ever reach the sandbox."`
	Expires string   `help:"RFC 3339 time at which it ends." placeholder:"TIME"`
	From    []string `help:"Addresses or networks that it may be used from." placeholder:"CIDR"`
	Rate    int      `help:"Requests a second, where that is less than every key has."`
}

// Run creates a key in the database that DATABASE_URL names.
func (k keysCreate) Run(ctx context.Context, p process) error {
	return withKeys(ctx, p, func(t tool) error {
		key, err := t.handler.IssueKey(ctx, operator(), commands.IssueKey{
			Tenant: k.Tenant, Scopes: k.Scope, Test: k.Test, ExpiresAt: k.Expires, AllowedIPs: k.From, Rate: k.Rate,
		})
		if err != nil {
			return err
		}
		return printKey(p, key)
	})
}

func printKey(p process, key commands.IssuedKey) error {
	_, err := fmt.Fprintf(p.Stdout, "key %s for tenant %s with scopes %s; it is shown only now:\n%s\n",
		key.ID, key.Key.Tenant, strings.Join(key.Key.Scopes, ", "), key.Secret)
	return err
}

type keysRotate struct {
	ID      string        `arg:"" help:"Id of the key whose place is taken."`
	Overlap time.Duration `default:"24h" help:"How long it goes on: up to 720h."`
}

// Run makes a key like another, and lets that one end.
func (k keysRotate) Run(ctx context.Context, p process) error {
	return withKeys(ctx, p, func(t tool) error {
		key, err := t.handler.RotateKey(ctx, operator(), k.ID, k.Overlap)
		if err != nil {
			return fmt.Errorf("rotating key %s: %w", k.ID, err)
		}
		return printKey(p, key)
	})
}

type keysList struct {
	Tenant string `help:"Only this tenant's."`
}

// Run lists keys, newest first.
func (k keysList) Run(ctx context.Context, p process) error {
	return withKeys(ctx, p, func(t tool) error {
		table := newTable(p.Stdout, "ID", "TENANT", "SCOPES", "TEST", "CREATED", "EXPIRES", "REVOKED", "LAST USED")
		var after *ports.Cursor
		for {
			page, next, err := t.queries.Keys(ctx, k.Tenant, 100, after)
			if err != nil {
				return err
			}
			ids := make([]string, len(page))
			for i, key := range page {
				ids[i] = key.ID
			}
			used, err := t.stores.keyUses.LastUsed(ctx, ids)
			if err != nil {
				return err
			}
			for _, key := range page {
				var last *time.Time
				if at, ok := used[key.ID]; ok {
					last = &at
				}
				table.row(key.ID, key.Tenant, strings.Join(key.Scopes, ","), key.Test, key.CreatedAt, key.ExpiresAt, key.RevokedAt, last)
			}
			if after = next; after == nil {
				return table.Flush()
			}
		}
	})
}

type keysRevoke struct {
	ID string `arg:"" help:"Id of the key: the part between psk_live_ and the next underscore."`
}

// Run revokes a key.
func (k keysRevoke) Run(ctx context.Context, p process) error {
	return withKeys(ctx, p, func(t tool) error {
		if err := t.handler.RevokeKey(ctx, operator(), k.ID); err != nil {
			return fmt.Errorf("revoking key %s: %w", k.ID, err)
		}
		_, err := fmt.Fprintf(p.Stdout, "key %s is revoked\n", k.ID)
		return err
	})
}

// withKeys is withTool with the view of keys.
func withKeys(ctx context.Context, p process, run func(tool) error) error {
	return withTool(ctx, p, run, projections.Keys())
}

// operator is who uses the command line.
func operator() commands.Caller { return commands.Caller{Actor: "operator:cli"} }
