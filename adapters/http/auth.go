package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

// admit lets a request in, or says why not. For a route that needs a key the
// caller is the key's; elsewhere only the request id is known of it.
func (a *api) admit(ctx context.Context, res *response, r *http.Request, route route) (commands.Caller, error) {
	caller := commands.Caller{RequestID: res.requestID, TraceParent: traceParent(r.Header.Get("Traceparent"))}
	switch route.access {
	case exempt, signed:
		return caller, nil
	case public:
		return caller, a.limitStranger(ctx, res, r)
	}
	credential, key, err := a.authenticate(ctx, r)
	if err != nil {
		if _, refused := errors.AsType[*refusal](err); refused {
			if limited := a.limitAddress(ctx, res, r); limited != nil {
				return caller, limited
			}
		}
		return caller, err
	}
	if err := a.limitKey(ctx, res, credential.ID, key.Issued.Tenant, key.Issued.Rate); err != nil {
		return caller, err
	}
	if !key.Allows(domain.Scope(route.access)) {
		return caller, errMissingScope
	}
	if route.live && key.Issued.Test {
		return caller, errTestKey
	}
	a.noteUse(ctx, credential.ID)
	caller.Tenant, caller.Actor, caller.Test = key.Issued.Tenant, "key:"+credential.ID, key.Issued.Test
	return caller, nil
}

// authenticate returns the key that the request presents. Its refusals do not
// tell unknown, expired and revoked keys apart; other errors mean that the store
// could not be asked.
func (a *api) authenticate(ctx context.Context, r *http.Request) (commands.Credential, domain.Key, error) {
	header := r.Header.Values("Authorization")
	if len(header) == 0 {
		return commands.Credential{}, domain.Key{}, errMissingKey
	}
	scheme, presented, _ := strings.Cut(header[0], " ")
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return commands.Credential{}, domain.Key{}, errMissingKey
	}
	credential, ok := commands.ParseCredential(strings.TrimSpace(presented))
	if !ok || !wellFormed(credential.ID) {
		return commands.Credential{}, domain.Key{}, errInvalidKey
	}
	key, err := a.keys.Get(ctx, credential)
	if err != nil {
		return commands.Credential{}, domain.Key{}, err
	}
	if !credential.Opens(key, a.Now()) {
		return commands.Credential{}, domain.Key{}, errInvalidKey
	}
	if len(key.Issued.AllowedIPs) > 0 && !commands.Admits(key, a.client(r)) {
		return commands.Credential{}, domain.Key{}, errWrongAddress
	}
	return credential, key, nil
}

// traceParent returns a W3C Trace Context header of version 00, and nothing for
// anything else: it is stored with every event.
func traceParent(header string) string {
	// "00-" trace id "-" parent id "-" flags
	if len(header) != 55 || header[:3] != "00-" || header[35] != '-' || header[52] != '-' {
		return ""
	}
	for i, c := range []byte(header) {
		switch {
		case i == 2 || i == 35 || i == 52:
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		default:
			return ""
		}
	}
	return header
}
