package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pro-sms/prosms/adapters/sqlite"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

type replayCommand struct {
	Rebuild rebuildCommand `cmd:"" default:"withargs" help:"Rebuild a view from the log, compare it, or show it as it was."`
	Skip    skipCommand    `cmd:"" help:"Let a view pass over an event that it cannot apply."`
	WhatIf  whatIfCommand  `cmd:"" name:"what-if" help:"Decide part of the log again under another policy, without sending, and report what would differ."`
}

type rebuildCommand struct {
	Projection string `required:"" help:"The view: messages, keys, …"`
	Restart    bool   `help:"Begin anew instead of going on with a rebuild that was stopped, as after an upgrade."`
	Diff       bool   `help:"Change nothing: compare the live view with a replay, and exit with 1 if they differ."`
	AsOf       string `help:"Change nothing: write the view as it was at a position or an RFC 3339 time, one row a line." placeholder:"POSITION|TIME"`
	JSON       bool   `help:"Tell the progress of a rebuild as lines of JSON on standard error." name:"json"`
	Out        string `help:"File for the rows of --as-of; what is personal in them is sealed. Default: standard output." type:"path"`
}

// Run rebuilds a view from the log beside the live one and swaps them, or only
// looks at what a rebuild gives.
func (r rebuildCommand) Run(ctx context.Context, p process) error {
	if r.Diff && r.AsOf != "" || r.Restart && (r.Diff || r.AsOf != "") || r.Out != "" && r.AsOf == "" {
		return errors.New("--restart, --diff and --as-of exclude each other, and --out needs --as-of")
	}
	if r.JSON && (r.Diff || r.AsOf != "") {
		return errors.New("--json tells of a rebuild: not with --diff or --as-of")
	}
	return withReader(ctx, p, func(t tool) error {
		projection, err := projectionNamed(r.Projection, t.lookup)
		if err != nil {
			return err
		}
		if r.AsOf != "" {
			return r.asOf(ctx, p, t.stores, projection)
		}
		projection, standing, err := projections.Stand(ctx, t.stores.views, projection)
		switch {
		case err != nil:
			return err
		case standing == projections.Newer && r.Restart:
			return r.takeBack(ctx, p, t.stores, projection)
		case standing == projections.Newer:
			return errors.New("a newer build keeps this view; to go back to this one, stop every instance of the newer and say --restart")
		case standing != projections.Current:
			return errors.New("an older build made this view, and serve makes it anew: see its log")
		case r.Diff:
			return diff(ctx, p, t.stores, projection)
		}
		return r.rebuild(ctx, p, t.stores, projection)
	})
}

func projectionNamed(name string, lookup commands.Lookup) (projections.Projection, error) {
	var names []string
	for _, p := range newProjections(lookup) {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return projections.Projection{}, fmt.Errorf("--projection: one of %s", strings.Join(names, ", "))
}

func (r rebuildCommand) rebuild(ctx context.Context, p process, st stores, projection projections.Projection) error {
	filler := st.filler()
	if r.Restart {
		if err := filler.Discard(ctx, projection); err != nil {
			return err
		}
	}
	from, err := filler.Pending(ctx, projection)
	if err != nil {
		return err
	}
	if from > 0 {
		fmt.Fprintf(p.Stderr, "going on at position %d, where an earlier replay stopped; --restart begins anew\n", from)
	}
	head, err := st.events.Head(ctx)
	if err != nil {
		return err
	}
	told := newProgress(p.Stderr, projection.Name, from, head.LastPosition)
	if r.JSON {
		told.form = progressJSON
	}
	filler.Progress = told.at
	err = filler.Rebuild(ctx, projection)
	told.end()
	if err != nil {
		return fmt.Errorf("%w\nthe live view is as it was", err)
	}
	last := told.last
	_, err = fmt.Fprintf(p.Stdout, "%s is rebuilt up to position %d and swapped: %d events in %s, %.0f/s\n",
		projection.Name, last, last-from, time.Since(told.start).Round(time.Millisecond), told.rate(last))
	return err
}

// takeBack makes a view anew that a newer build has replaced.
func (r rebuildCommand) takeBack(ctx context.Context, p process, st stores, projection projections.Projection) error {
	head, err := st.events.Head(ctx)
	if err != nil {
		return err
	}
	told := newProgress(p.Stderr, projection.Name, 0, head.LastPosition)
	filler := st.filler()
	filler.Progress = told.at
	err = filler.TakeBack(ctx, projection)
	told.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "%s is this build's again\n", projection.Name)
	return err
}

// diff compares in a scratch file, so that it needs no rights and disturbs nobody.
func diff(ctx context.Context, p process, st stores, projection projections.Projection) error {
	shown := 0
	compared, err := compare(ctx, p.Stderr, st, projection, func(d projections.Difference) {
		if shown++; shown <= 1000 {
			fmt.Fprintf(p.Stdout, "%s %s %s\n", d.What, d.ID, strings.Join(d.Fields, ", "))
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s at position %d: %d rows, %d differ from a replay\n",
		projection.Name, compared.Position, compared.Rows, compared.Differences)
	if compared.Differences > 0 {
		return errors.New("the view differs from a replay: prosms replay --projection " + projection.Name + " rebuilds it")
	}
	return nil
}

// compare replays a projection into a scratch file and compares the live view with it.
func compare(ctx context.Context, stderr io.Writer, st stores, projection projections.Projection, report func(projections.Difference)) (_ projections.Comparison, err error) {
	scratch, err := sqlite.OpenScratch(ctx)
	if err != nil {
		return projections.Comparison{}, err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	to, err := projection.Position(ctx, st.views)
	if err != nil {
		return projections.Comparison{}, err
	}
	told := newProgress(stderr, projection.Name, 0, to)
	defer told.end()
	filler := st.filler()
	filler.Progress = told.at
	return filler.Compare(ctx, projection, scratch.Views(), report)
}

func (r rebuildCommand) asOf(ctx context.Context, p process, st stores, projection projections.Projection) (err error) {
	moment, err := projections.ParseAsOf(r.AsOf)
	if err != nil {
		return fmt.Errorf("--as-of: %w", err)
	}
	position, err := moment.In(ctx, st.events)
	if err != nil {
		return err
	}
	scratch, err := sqlite.OpenScratch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	views := scratch.Views()
	told := newProgress(p.Stderr, projection.Name, 0, position)
	filler := projections.Filler{Store: st.events, Views: views, Rows: rowsHeld, Progress: told.at}
	err = filler.Fill(ctx, projection, position)
	told.end()
	if err != nil {
		return err
	}
	out := p.Stdout
	if r.Out != "" {
		file, err := os.OpenFile(r.Out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("opening --out: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	rows, encoder := 0, json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err = projection.Rows(ctx, views, func(row ports.Row) error {
		rows++
		return encoder.Encode(struct {
			ID  string          `json:"id"`
			Doc json.RawMessage `json:"row"`
		}{row.ID, row.Doc})
	})
	fmt.Fprintf(p.Stderr, "%s as of position %d: %d rows\n", projection.Name, position, rows)
	return err
}
