package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/keywords"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Inbound is a text to us, as the provider reported it.
type Inbound struct {
	Text       events.InboundReceived
	Provider   string
	OptOutType string // "STOP", "START" or "HELP" where the provider has acted on the text, else empty
	Answered   bool   // the provider answers such texts itself
	RequestID  string
	// TraceParent is of the provider's request.
	TraceParent string
}

// ErrBehind says that it is not known yet who has texted whom.
var ErrBehind = fmt.Errorf("the view of contacts is behind: %w", ports.ErrUnavailable)

// Texted tells which tenants have texted a recipient, given as its consent towards
// EveryTenant, from a number of ours. ErrBehind: it cannot tell in time.
type Texted func(ctx context.Context, recipient string, number events.Personal) ([]string, error)

// ReceiveText records a text to us, once however often it arrives, for every
// tenant that it belongs to: those that the number it came to is mapped to, else those
// that have texted its sender from there, else the default tenant. What it says about consent holds for all of them, or
// for every tenant where there is none, and is in the log before the text is: who
// repeats the report after an error repeats all of it. Whom an opt-out is for must
// not wait for a view that is behind: it then holds for every tenant.
func (h *Handler) ReceiveText(ctx context.Context, in Inbound) error {
	for _, said := range []*events.Personal{&in.Text.From, &in.Text.To, &in.Text.Body} {
		*said = events.Plain(string(*said))
	}
	id := h.Lookup.inboundID(EveryTenant, in.Text.ProviderMessageID)
	known, err := h.Store.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("loading stream %s: %w", id, err)
	}
	if len(known) > 0 {
		return nil
	}
	number, textable := in.sender()
	var command domain.Command
	if textable {
		command = in.consent(number, h.Keywords)
	}
	tenants, err := h.tenantsOf(ctx, number, in.Text.To)
	if _, out := command.(domain.OptOut); out && errors.Is(err, ErrBehind) {
		tenants, err = []string{EveryTenant}, nil
	}
	if err != nil {
		return err
	}
	if err := h.heed(ctx, in, number, tenants, command, id); err != nil {
		return err
	}
	if textable {
		if err := h.reply(ctx, in, number, tenants, id); err != nil {
			return err
		}
	}
	return h.recordInbound(ctx, in, tenants, id)
}

// sender returns the number that the text came from as texts to it have it, and
// false where none can go there: short codes, names.
func (in Inbound) sender() (events.Personal, bool) {
	number, err := phone.Parse(string(in.Text.From), "")
	if err != nil {
		return in.Text.From, false
	}
	return events.Personal(number), true
}

// tenantsOf returns the tenants that a text belongs to, at least one.
func (h *Handler) tenantsOf(ctx context.Context, sender, to events.Personal) ([]string, error) {
	if mapped := h.Numbers[string(to)]; len(mapped) > 0 {
		return mapped, nil
	}
	if h.Texted != nil {
		tenants, err := h.Texted(ctx, h.Lookup.ConsentStream(EveryTenant, sender), to)
		if err != nil {
			return nil, fmt.Errorf("searching whom a text is for: %w", err)
		}
		if len(tenants) > 0 {
			return tenants, nil
		}
	}
	return []string{h.DefaultTenant}, nil // which may be EveryTenant
}

// heed carries out what the text asks for; nil is nothing.
func (h *Handler) heed(ctx context.Context, in Inbound, number events.Personal, tenants []string, command domain.Command, id string) error {
	if command == nil {
		return nil
	}
	if _, in := command.(domain.OptIn); in {
		tenants = append(tenants[:len(tenants):len(tenants)], EveryTenant) // where the opt-out may have been put
	}
	for _, tenant := range tenants {
		meta := in.meta(tenant)
		meta.CausationID = said(id)
		_, _, err := execute(ctx, h.Store, h.Lookup.ConsentStream(tenant, number), func(stream[domain.Consent]) (domain.Command, events.Meta, error) {
			return command, meta, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// consent returns what the text says about consent, nil for nothing. Where we and
// the provider understand it differently, stopping wins.
func (in Inbound) consent(number events.Personal, words keywords.Words) domain.Command {
	read := words.Read(string(in.Text.Body))
	switch {
	case read.Intent == keywords.OptOut, in.OptOutType == "STOP":
		out := events.ConsentOptedOut{Number: number, Keyword: read.Keyword, Source: domain.SourceKeyword, Scope: domain.ScopeAll}
		if read.Intent != keywords.OptOut {
			out.Keyword = in.OptOutType
		} else if read.Free && in.OptOutType != "STOP" {
			out.Source = domain.SourceText
		}
		return domain.OptOut{Event: out}
	case read.Intent == keywords.OptIn, in.OptOutType == "START":
		opted := events.ConsentOptedIn{Number: number, Keyword: read.Keyword, Source: domain.SourceKeyword, Scope: domain.ScopeAll}
		if read.Intent != keywords.OptIn {
			opted.Keyword = in.OptOutType
		}
		return domain.OptIn{Event: opted, Everyday: opted.Keyword == "YES" && in.OptOutType != "START"}
	}
	return nil
}

// recordInbound appends the text for each tenant. That of EveryTenant is written
// last, and the others only as long as it is not there: it says that all are.
func (h *Handler) recordInbound(ctx context.Context, in Inbound, tenants []string, id string) error {
	var writes []ports.Write
	for _, tenant := range tenants[1:] {
		writes = append(writes, ports.Write{
			StreamID: h.Lookup.inboundID(tenant, in.Text.ProviderMessageID), Events: []events.Event{in.Text}, Meta: in.meta(tenant),
			Requires: []ports.Require{{StreamID: id}},
		})
	}
	last := ports.Write{StreamID: id, Events: []events.Event{in.Text}, Meta: in.meta(tenants[0])}
	for _, part := range [][]ports.Write{writes, {last}} {
		if len(part) == 0 {
			continue
		}
		results, err := h.Store.Append(ctx, part...)
		if err != nil {
			return fmt.Errorf("recording a text to us: %w", err)
		}
		for _, result := range results {
			// A conflict means that the same report came twice at once.
			if result.Err != nil && !errors.Is(result.Err, ports.ErrConflict) {
				return fmt.Errorf("recording a text to us: %w", result.Err)
			}
		}
	}
	return nil
}

func (in Inbound) meta(tenant string) events.Meta {
	return events.Meta{Tenant: tenant, Actor: "provider:" + in.Provider, CorrelationID: in.RequestID, TraceParent: in.TraceParent}
}
