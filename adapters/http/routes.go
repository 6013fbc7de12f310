package api

import "github.com/pro-sms/prosms/domain"

// access says who may take a route.
type access string

// Besides the scopes of keys there are routes for callers without one.
const (
	write  = access(domain.ScopeWrite)
	read   = access(domain.ScopeRead)
	admin  = access(domain.ScopeAdmin)
	signed = access("signed") // a provider; the handler verifies its signature
	public = access("public") // anyone, within the limit of their address
	exempt = access("exempt") // anyone, without limit: who runs us
)

// needsKey reports whether a is a scope.
func (a access) needsKey() bool { return a == write || a == read || a == admin }

// route is one operation.
type route struct {
	pattern string // of http.ServeMux
	access  access
	handle  handler
	live    bool // not for test keys: it is about people, who are the same to both
	waits   bool // it may take longer than Server.Timeout, and bounds its work itself
	queried bool // it reads parameters of the query; the others with a key have none
}

// routes is the whole API.
func (a *api) routes() []route {
	return []route{
		{pattern: "POST /v1/messages", access: write, handle: a.sendMessage},
		{pattern: "POST /v1/messages/batch", access: write, handle: a.sendBatch},
		{pattern: "POST /v1/messages/preview", access: write, handle: a.previewMessage},
		{pattern: "GET /v1/messages", access: read, handle: a.listMessages, queried: true},
		{pattern: "GET /v1/messages/{id}", access: read, handle: a.getMessage, waits: true, queried: true},
		{pattern: "GET /v1/messages/{id}/events", access: read, handle: a.getTimeline, queried: true},
		{pattern: "POST /v1/messages/{id}/cancel", access: write, handle: a.cancelMessage},
		{pattern: "POST /v1/messages/{id}/resolve", access: admin, handle: a.resolveMessage},

		{pattern: "GET /v1/dead-letters", access: read, handle: a.listDeadLetters, queried: true},
		{pattern: "GET /v1/dead-letters/{id}", access: read, handle: a.getDeadLetter},
		{pattern: "POST /v1/dead-letters/{id}/discard", access: admin, handle: a.discardDeadLetter},
		{pattern: "POST /v1/dead-letters/{id}/replace", access: admin, handle: a.replaceDeadLetter},
		{pattern: "POST /v1/dead-letters/replay", access: admin, handle: a.replayDeadLetters},
		{pattern: "POST /v1/dead-letters/{id}/replay", access: admin, handle: a.replayDeadLetter},
		{pattern: "GET /v1/replays", access: read, handle: a.listReplays, queried: true},
		{pattern: "GET /v1/replays/{id}", access: read, handle: a.getReplay},
		{pattern: "GET /v1/replays/{id}/items", access: read, handle: a.listReplayItems, queried: true},
		{pattern: "POST /v1/replays/{id}/pause", access: admin, handle: a.pauseReplay},
		{pattern: "POST /v1/replays/{id}/resume", access: admin, handle: a.resumeReplay},
		{pattern: "POST /v1/replays/{id}/cancel", access: admin, handle: a.cancelReplay},

		{pattern: "GET /v1/opt-outs", access: read, handle: a.listOptOuts, live: true, queried: true},
		{pattern: "GET /v1/opt-outs/{number}", access: read, handle: a.getOptOut, live: true},
		{pattern: "PUT /v1/opt-outs/{number}", access: write, handle: a.putOptOut, live: true},
		{pattern: "DELETE /v1/opt-outs/{number}", access: write, handle: a.deleteOptOut, live: true},
		{pattern: "POST /v1/subjects/forget", access: admin, handle: a.forgetSubject, live: true},
		{pattern: "GET /v1/inbound", access: read, handle: a.listInbound, live: true, queried: true},
		{pattern: "GET /v1/events", access: read, handle: a.listEvents, queried: true},
		{pattern: "GET /v1/events/stream", access: read, handle: a.streamEvents, waits: true, queried: true},

		{pattern: "GET /v1/keys", access: admin, handle: a.listKeys, queried: true},
		{pattern: "POST /v1/keys", access: admin, handle: a.issueKey},
		{pattern: "POST /v1/keys/{id}/rotate", access: admin, handle: a.rotateKey},
		{pattern: "DELETE /v1/keys/{id}", access: admin, handle: a.revokeKey},

		{pattern: "GET /v1/webhooks", access: read, handle: a.listEndpoints, live: true},
		{pattern: "POST /v1/webhooks", access: admin, handle: a.createEndpoint, live: true},
		{pattern: "GET /v1/webhooks/{id}", access: read, handle: a.getEndpoint, live: true},
		{pattern: "PATCH /v1/webhooks/{id}", access: admin, handle: a.changeEndpoint, live: true},
		{pattern: "DELETE /v1/webhooks/{id}", access: admin, handle: a.deleteEndpoint, live: true},
		{pattern: "POST /v1/webhooks/{id}/rotate", access: admin, handle: a.rotateEndpoint, live: true},
		{pattern: "GET /v1/webhooks/deliveries", access: read, handle: a.listDeliveries, live: true, queried: true},
		{pattern: "GET /v1/webhooks/deliveries/{id}", access: read, handle: a.getDelivery, live: true},
		{pattern: "POST /v1/webhooks/deliveries/{id}/replay", access: admin, handle: a.replayDelivery, live: true},

		{pattern: "POST /webhooks/twilio/status", access: signed, handle: a.twilioStatus},
		{pattern: "POST /webhooks/twilio/inbound", access: signed, handle: a.twilioInbound},
		{pattern: "POST /webhooks/{provider}/status", access: signed, handle: a.providerStatus},

		{pattern: "GET /livez", access: exempt, handle: a.health.live},
		{pattern: "GET /readyz", access: exempt, handle: a.health.ready},
		{pattern: "GET /openapi.json", access: public, handle: getFile("application/json", openAPI)},
		{pattern: "GET /schemas/{file}", access: public, handle: getSchema},
		{pattern: "GET /docs", access: public, handle: getPage},
		{pattern: "GET /docs/docs.js", access: public, handle: getFile("text/javascript; charset=utf-8", docsScript)},
		{pattern: "GET /docs/docs.css", access: public, handle: getFile("text/css; charset=utf-8", docsStyle)},
	}
}
