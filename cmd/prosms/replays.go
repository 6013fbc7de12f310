package main

import (
	"context"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// openReplays lets the replayer find its work in the view.
func openReplays(queries projections.Queries) func(context.Context) ([]commands.OpenReplay, error) {
	return func(ctx context.Context) ([]commands.OpenReplay, error) {
		found, err := queries.OpenReplays(ctx)
		open := make([]commands.OpenReplay, len(found))
		for i, r := range found {
			open[i] = commands.OpenReplay{ID: r.ID, Version: r.Version}
		}
		return open, err
	}
}
