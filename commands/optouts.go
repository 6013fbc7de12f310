package commands

import (
	"context"
	"strings"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/events"
)

// OptOut stops all texts of the caller's tenant to a number. Claims that are
// committed later fail; it does nothing where the number is opted out already.
func (h *Handler) OptOut(ctx context.Context, caller Caller, number events.Personal) error {
	return h.consent(ctx, caller, number, domain.OptOut{Event: events.ConsentOptedOut{
		Number: number, Source: sourceOf(caller), Scope: domain.ScopeAll,
	}})
}

// OptIn lifts an opt-out towards the caller's tenant, whoever it came from: the
// tenant answers for having new consent. One towards every tenant stays; only its
// recipient or an operator lifts that.
func (h *Handler) OptIn(ctx context.Context, caller Caller, number events.Personal) error {
	return h.consent(ctx, caller, number, domain.OptIn{Event: events.ConsentOptedIn{
		Number: number, Source: sourceOf(caller), Scope: domain.ScopeAll,
	}})
}

// ReviewOptOut records that somebody has looked at an opt-out in free text, and that it
// stands; OptIn is for one that does not. It does nothing where there is none to review.
func (h *Handler) ReviewOptOut(ctx context.Context, caller Caller, number events.Personal) error {
	return h.consent(ctx, caller, number, domain.Review{By: caller.Actor})
}

func (h *Handler) consent(ctx context.Context, caller Caller, number events.Personal, command domain.Command) error {
	id := h.Lookup.ConsentStream(caller.Tenant, number)
	_, _, err := execute(ctx, h.Store, id, func(stream[domain.Consent]) (domain.Command, events.Meta, error) {
		return command, caller.meta(), nil
	})
	return err
}

func sourceOf(caller Caller) string {
	if strings.HasPrefix(caller.Actor, "operator:") {
		return domain.SourceOperator
	}
	return domain.SourceAPI
}

// ReadNumber returns a number as consents have it, or an Invalid at /number.
func (h *Handler) ReadNumber(raw string) (events.Personal, error) {
	number, err := phone.Parse(raw, h.Region)
	if err != nil {
		return "", Invalid{{Pointer: "/number", Code: CodeInvalidNumber, Detail: numberDetail(err)}}
	}
	return events.Personal(number), nil
}
