package projections

import (
	"context"

	"github.com/pro-sms/prosms/ports"
)

// nobodys is the tenant of what belongs to none, and of what holds for all.
const nobodys = ""

// everybody returns all tenants, and nobody.
func (o Oversight) everybody(ctx context.Context) ([]string, error) {
	tenants, err := o.Tenants(ctx)
	return append([]string{nobodys}, tenants...), err
}

// OptOuts is Queries.OptOuts, where f names no tenant of all of them, and of what
// holds for every tenant.
func (o Oversight) OptOuts(ctx context.Context, f OptOutFilter) ([]OptOut, *ports.Cursor, error) {
	tenants := []string{f.Tenant}
	if f.Tenant == "" {
		var err error
		if tenants, err = o.everybody(ctx); err != nil {
			return nil, nil, err
		}
	}
	return ofTenants(tenants, f.Limit, func(tenant string) ([]OptOut, *ports.Cursor, error) {
		f.Tenant = tenant
		return o.Queries.OptOuts(ctx, f)
	}, func(c OptOut) ports.Cursor { return ports.Cursor{Key: c.At, ID: c.ID} })
}

// Inbound is Queries.Inbound, of all tenants, and of what is nobody's.
func (o Oversight) Inbound(ctx context.Context, limit int, after *ports.Cursor) ([]Inbound, *ports.Cursor, error) {
	tenants, err := o.everybody(ctx)
	if err != nil {
		return nil, nil, err
	}
	return ofTenants(tenants, limit, func(tenant string) ([]Inbound, *ports.Cursor, error) {
		return o.Queries.Inbound(ctx, tenant, limit, after)
	}, func(i Inbound) ports.Cursor { return ports.Cursor{Key: i.ReceivedAt, ID: i.ID} })
}
