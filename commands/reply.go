package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pro-sms/prosms/domain/keywords"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Reply is what a tenant answers to keywords where the provider does not.
type Reply struct {
	OptOut string // confirms an opt-out; empty: nothing does
	Help   string // answers HELP; empty: nothing does
}

// Replies are the answers of tenants: those that are named have their own.
type Replies struct {
	Reply
	Own map[string]Reply
}

func (r Replies) of(tenant string) Reply {
	if own, ok := r.Own[tenant]; ok {
		return own
	}
	return r.Reply
}

// replyWithin is how long an answer is worth sending: a confirmation of an opt-out is
// presumed fine within five minutes (47 CFR 64.1200(a)(12)).
const replyWithin = 5 * time.Minute

// reply accepts the answer to a text, once however often that is reported, and from
// one tenant only, also where it is for several: a recipient who has opted out gets one
// confirmation at most. It is a text like any other, whose cause is the opt-out: that
// does not block it, and every other does. There is none for a text that is nobody's.
func (h *Handler) reply(ctx context.Context, in Inbound, number events.Personal, tenants []string, id string) error {
	if in.Answered {
		return nil
	}
	for _, tenant := range tenants {
		if tenant == EveryTenant {
			continue
		}
		body, cause, err := h.answer(ctx, in, number, tenant, id)
		if err != nil {
			return err
		}
		if body == "" {
			continue
		}
		text, err := h.validate(Send{
			To: string(number), From: string(in.Text.To), Body: body, ExpiresAt: h.now().Add(replyWithin).Format(time.RFC3339),
		})
		if err != nil { // the provider names us as no sender can be
			return nil
		}
		text.Consent = h.Lookup.ConsentStream(tenant, number)
		meta := in.meta(tenant)
		meta.CausationID = cause
		results, err := h.Store.Append(ctx, ports.Write{StreamID: h.Lookup.replyID(cause), Events: []events.Event{text}, Meta: meta})
		if err == nil && !errors.Is(results[0].Err, ports.ErrConflict) { // it is there already
			err = results[0].Err
		}
		if err != nil {
			return fmt.Errorf("answering a text to us: %w", err)
		}
		return nil
	}
	return nil
}

// answer returns what a tenant answers to a text, and the event that is its cause;
// empty: nothing. An opt-out is confirmed where this text was what opted out.
func (h *Handler) answer(ctx context.Context, in Inbound, number events.Personal, tenant, id string) (body, cause string, err error) {
	reply := h.Replies.of(tenant)
	switch h.Keywords.Read(string(in.Text.Body)).Intent {
	case keywords.Help:
		return reply.Help, said(id), nil
	case keywords.OptOut:
		if reply.OptOut == "" {
			return "", "", nil
		}
	default:
		return "", "", nil
	}
	consent := h.Lookup.ConsentStream(tenant, number)
	recorded, err := h.Store.Load(ctx, consent)
	if err != nil {
		return "", "", fmt.Errorf("loading stream %s: %w", consent, err)
	}
	if len(recorded) == 0 {
		return "", "", nil
	}
	last := recorded[len(recorded)-1]
	if _, out := last.Data.(events.ConsentOptedOut); !out || last.Meta.CausationID != said(id) {
		return "", "", nil
	}
	return reply.OptOut, causeOf(consent, last.Version), nil
}

// said is the event of a text to us, as a cause.
func said(id string) string { return causeOf(id, 1) }

func causeOf(streamID string, version int) string { return fmt.Sprintf("%s:%d", streamID, version) }
