package commands

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// webhooksPrefix begins the stream of a tenant's endpoints.
const webhooksPrefix = "webhooks_"

// Webhooks carries out what tenants ask about the endpoints that hear of their
// messages. It is safe for concurrent use.
type Webhooks struct {
	Store  ports.EventStore
	Views  ports.Views // where deliveries wait
	Lookup Lookup      // secrets follow from it
	// AllowPrivate allows http:// as well. Which addresses are called is decided
	// where they are: by whoever posts.
	AllowPrivate bool
	Now          func() time.Time // nil: time.Now
}

// Endpoint is an endpoint with its secret where it has just got that.
type Endpoint struct {
	domain.Webhook
	NewSecret string // "whsec_…", shown this once; empty: not shown
}

// EndpointRequest says where an endpoint is to be and what it is told of.
type EndpointRequest struct {
	URL   string
	Types []string // none: all of domain.WebhookTypes
}

// EndpointChange is a request to change some of an endpoint.
type EndpointChange struct {
	URL     *string
	Types   []string // nil: as they are
	Enabled *bool
}

// maxSecretOverlap is how long an old secret may sign beside a new one.
const maxSecretOverlap = 7 * 24 * time.Hour

// Create adds an endpoint, which hears of what happens from then on.
func (w *Webhooks) Create(ctx context.Context, caller Caller, request EndpointRequest) (Endpoint, error) {
	var invalid Invalid
	w.validateURL(&invalid, "/url", request.URL)
	types := validateTypes(&invalid, request.Types)
	if len(invalid) > 0 {
		return Endpoint{}, invalid
	}
	id := "wh_" + strings.ToLower(rand.Text()[:16])
	endpoint, err := w.execute(ctx, caller, id, domain.CreateWebhook{
		Endpoint: events.WebhookCreated{ID: id, URL: request.URL, Types: types},
	})
	endpoint.NewSecret = w.secret(caller.Tenant, id, endpoint.Secret)
	return endpoint, err
}

// Change changes an endpoint and returns it as it is then.
func (w *Webhooks) Change(ctx context.Context, caller Caller, id string, request EndpointChange) (Endpoint, error) {
	s, err := w.load(ctx, caller.Tenant)
	if err != nil {
		return Endpoint{}, err
	}
	hook, ok := s.State.Endpoint(id)
	if !ok || id == domain.CallbacksEndpoint {
		return Endpoint{}, domain.ErrNotFound
	}
	var invalid Invalid
	if request.URL != nil {
		hook.URL = *request.URL
		w.validateURL(&invalid, "/url", hook.URL)
	}
	if request.Types != nil {
		hook.Types = validateTypes(&invalid, request.Types)
	}
	if len(invalid) > 0 {
		return Endpoint{}, invalid
	}
	changed, err := w.execute(ctx, caller, id, domain.ChangeWebhook{
		Endpoint: events.WebhookChanged{ID: id, URL: hook.URL, Types: hook.Types},
	})
	if err != nil || request.Enabled == nil {
		return changed, err
	}
	if *request.Enabled {
		return w.execute(ctx, caller, id, domain.EnableWebhook{ID: id, By: caller.Actor})
	}
	return w.execute(ctx, caller, id, domain.DisableWebhook{ID: id, Reason: "request", By: caller.Actor})
}

// Rotate gives an endpoint, or the tenant's callback URLs (domain.CallbacksEndpoint),
// a new secret. Both sign for as long as overlap.
func (w *Webhooks) Rotate(ctx context.Context, caller Caller, id string, overlap time.Duration) (Endpoint, error) {
	if overlap < 0 || overlap > maxSecretOverlap {
		var invalid Invalid
		invalid.add("/overlap_seconds", CodeInvalidValue, fmt.Sprintf("a number from 1 to %d", int(maxSecretOverlap.Seconds())))
		return Endpoint{}, invalid
	}
	until := w.now().Add(overlap).Truncate(time.Microsecond)
	endpoint, err := w.execute(ctx, caller, id, domain.RotateWebhook{ID: id, Until: until})
	endpoint.NewSecret = w.secret(caller.Tenant, id, endpoint.Secret)
	return endpoint, err
}

// Delete ends an endpoint. What waits for it is given up.
func (w *Webhooks) Delete(ctx context.Context, caller Caller, id string) error {
	_, err := w.execute(ctx, caller, id, domain.DeleteWebhook{ID: id, By: caller.Actor})
	return err
}

// Endpoints returns the endpoints of a tenant as they are now, oldest first.
func (w *Webhooks) Endpoints(ctx context.Context, tenant string) ([]domain.Webhook, error) {
	s, err := w.load(ctx, tenant)
	return s.State.Endpoints, err
}

// Endpoint returns one of a tenant's endpoints as it is now.
func (w *Webhooks) Endpoint(ctx context.Context, tenant, id string) (domain.Webhook, error) {
	s, err := w.load(ctx, tenant)
	if err != nil {
		return domain.Webhook{}, err
	}
	hook, ok := s.State.Endpoint(id)
	if !ok {
		return domain.Webhook{}, domain.ErrNotFound
	}
	return hook, nil
}

func (w *Webhooks) load(ctx context.Context, tenant string) (stream[domain.Webhooks], error) {
	return load[domain.Webhooks](ctx, w.Store, w.Lookup.webhooksStream(tenant))
}

func (w *Webhooks) execute(ctx context.Context, caller Caller, id string, command domain.Command) (Endpoint, error) {
	s, _, err := execute(ctx, w.Store, w.Lookup.webhooksStream(caller.Tenant), func(stream[domain.Webhooks]) (domain.Command, events.Meta, error) {
		return command, caller.meta(), nil
	})
	if err != nil {
		return Endpoint{}, fmt.Errorf("changing endpoints: %w", err)
	}
	hook, _ := s.State.Endpoint(id)
	return Endpoint{Webhook: hook}, nil
}

func (w *Webhooks) now() time.Time {
	if w.Now == nil {
		return time.Now().UTC()
	}
	return w.Now().UTC()
}

// secret returns a secret as Standard Webhooks 1.0 writes it.
func (w *Webhooks) secret(tenant, endpoint string, number int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(w.Lookup.WebhookSecret(tenant, endpoint, number))
}

// WebhookSecret returns the 32 bytes that sign what goes to an endpoint. They are
// stored nowhere: without the database's key nobody can make them.
func (l Lookup) WebhookSecret(tenant, endpoint string, number int) []byte {
	return l.sum("webhook secret", tenant, endpoint, strconv.Itoa(number))
}

// webhooksStream returns the stream of a tenant's endpoints.
func (l Lookup) webhooksStream(tenant string) string {
	return webhooksPrefix + hex.EncodeToString(l.sum("webhooks", tenant)[:16])
}

func (w *Webhooks) validateURL(invalid *Invalid, pointer, raw string) {
	if raw == "" {
		invalid.add(pointer, CodeRequired, "name the URL to call")
		return
	}
	validateWebhookURL(invalid, pointer, raw, w.AllowPrivate)
}

// maxWebhookURL is how long a URL may be, in bytes.
const maxWebhookURL = 2048

// validateWebhookURL refuses URLs that are never called, as far as they show it: where
// a name leads is seen, and judged more strictly, by who calls it. Plain allows
// http:// and what is inside.
func validateWebhookURL(invalid *Invalid, pointer, raw string, plain bool) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, len(raw) > maxWebhookURL, u.Hostname() == "", u.Opaque != "", u.User != nil, u.Fragment != "", !printable(raw, maxWebhookURL):
		invalid.add(pointer, CodeInvalidValue, "an absolute URL of at most 2,048 characters without credentials and fragment")
	case u.Scheme != "https" && !(plain && u.Scheme == "http"):
		invalid.add(pointer, CodeInvalidValue, "it must begin with https://")
	case !plain && inside(u.Hostname()):
		invalid.add(pointer, CodeInvalidValue, "it leads to an address that is not public")
	}
}

// inside reports whether a host is this one, or an address that is not public.
func inside(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	address = address.Unmap()
	return err == nil && (!address.IsGlobalUnicast() || address.IsPrivate())
}

// validateTypes returns types in order, each once; all where there are none.
func validateTypes(invalid *Invalid, types []string) []string {
	if len(types) == 0 {
		return domain.WebhookTypes
	}
	for i, t := range types {
		if !slices.Contains(domain.WebhookTypes, t) {
			invalid.add(fmt.Sprintf("/types/%d", i), CodeInvalidValue, "a type of events that webhooks are told of")
		}
	}
	sorted := slices.Sorted(slices.Values(types))
	return slices.Compact(sorted)
}
