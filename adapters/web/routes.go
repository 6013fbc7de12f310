package web

import (
	"net/http"

	"github.com/pro-sms/prosms/domain"
)

// route is one page or action.
type route struct {
	pattern string      // of http.ServeMux
	role    domain.Role // the least that may; "": anybody
	handle  func(w http.ResponseWriter, r *http.Request, v visit) error
	stream  bool // it answers with events for as long as it is wanted
}

// visit is who asks.
type visit struct {
	Name string
	Role domain.Role
}

// Sees reports whether numbers and bodies are shown in clear.
func (v visit) Sees() bool { return v.Role.Includes(domain.RoleOperator) }

// Admin reports whether keys and operators may be changed.
func (v visit) Admin() bool { return v.Role.Includes(domain.RoleAdmin) }

// anybody may see a route, signed in or not.
const anybody = domain.Role("")

// routes is everything there is.
func (u *ui) routes() []route {
	all := u.pageRoutes()
	if !u.NoPasswords {
		all = append(all,
			route{pattern: "POST /login", role: anybody, handle: u.login},
			route{pattern: "GET /join", role: anybody, handle: u.joinPage},
			route{pattern: "POST /join", role: anybody, handle: u.join},
			route{pattern: "POST /operators", role: domain.RoleAdmin, handle: u.inviteOperator},
		)
	}
	if u.Identities != nil {
		all = append(all,
			route{pattern: "GET /oidc/start", role: anybody, handle: u.startSignIn},
			route{pattern: "GET /oidc/callback", role: anybody, handle: u.endSignIn},
		)
	}
	return all
}

// pageRoutes are those that are there whatever the ways in.
func (u *ui) pageRoutes() []route {
	return []route{
		{pattern: "GET /login", role: anybody, handle: u.loginPage},
		{pattern: "POST /logout", role: domain.Viewer, handle: u.logout},

		{pattern: "GET /{$}", role: domain.Viewer, handle: u.overview},
		{pattern: "GET /live", role: domain.Viewer, handle: u.live, stream: true},
		{pattern: "GET /messages", role: domain.Viewer, handle: u.messages},
		{pattern: "GET /messages.csv", role: domain.Viewer, handle: u.exportMessages},
		{pattern: "GET /messages/{id}", role: domain.Viewer, handle: u.message},
		{pattern: "POST /messages/{id}/cancel", role: domain.RoleOperator, handle: u.cancelMessage},
		{pattern: "POST /messages/{id}/redrive", role: domain.RoleOperator, handle: u.redrive},
		{pattern: "POST /messages/{id}/discard", role: domain.RoleOperator, handle: u.discard},
		{pattern: "POST /messages/{id}/resolve", role: domain.RoleOperator, handle: u.resolve},
		{pattern: "POST /messages/{id}/replace", role: domain.RoleOperator, handle: u.replace},
		{pattern: "GET /dead-letters", role: domain.Viewer, handle: u.deadLetters},
		{pattern: "GET /dead-letters/replay", role: domain.RoleOperator, handle: u.dryRun},
		{pattern: "POST /replays", role: domain.RoleOperator, handle: u.startReplay},
		{pattern: "GET /replays/{id}", role: domain.Viewer, handle: u.replay},
		{pattern: "POST /replays/{id}/pause", role: domain.RoleOperator, handle: u.steerReplay(u.Commands.PauseReplay)},
		{pattern: "POST /replays/{id}/resume", role: domain.RoleOperator, handle: u.steerReplay(u.Commands.ResumeReplay)},
		{pattern: "POST /replays/{id}/cancel", role: domain.RoleOperator, handle: u.steerReplay(u.Commands.CancelReplay)},
		{pattern: "GET /providers", role: domain.Viewer, handle: u.providers},
		{pattern: "POST /providers/{name}/open", role: domain.RoleOperator, handle: u.openBreaker},
		{pattern: "POST /providers/{name}/close", role: domain.RoleOperator, handle: u.closeBreaker},
		{pattern: "POST /fuses/lift", role: domain.RoleOperator, handle: u.liftFuse},
		{pattern: "GET /consent", role: domain.Viewer, handle: u.consent},
		{pattern: "GET /consent.csv", role: domain.RoleOperator, handle: u.exportConsent},
		{pattern: "POST /consent/import", role: domain.RoleOperator, handle: u.importConsent},
		{pattern: "POST /consent", role: domain.RoleOperator, handle: u.changeConsent},
		{pattern: "GET /inbound", role: domain.Viewer, handle: u.inbound},
		{pattern: "GET /events", role: domain.Viewer, handle: u.events},
		{pattern: "GET /events/follow", role: domain.Viewer, handle: u.followEvents, stream: true},
		{pattern: "GET /audit", role: domain.Viewer, handle: u.audit},
		{pattern: "GET /webhooks", role: domain.Viewer, handle: u.webhooks},
		{pattern: "POST /webhooks/deliveries/{id}/replay", role: domain.RoleOperator, handle: u.replayDelivery},
		{pattern: "POST /keys/{id}/rotate", role: domain.RoleAdmin, handle: u.rotateKey},
		{pattern: "GET /keys", role: domain.Viewer, handle: u.keys},
		{pattern: "POST /keys", role: domain.RoleAdmin, handle: u.issueKey},
		{pattern: "POST /keys/{id}/revoke", role: domain.RoleAdmin, handle: u.revokeKey},
		{pattern: "GET /operators", role: domain.Viewer, handle: u.operators},
		{pattern: "POST /operators/{name}/role", role: domain.RoleAdmin, handle: u.changeRole},
		{pattern: "POST /operators/{name}/remove", role: domain.RoleAdmin, handle: u.removeOperator},
		{pattern: "GET /system", role: domain.Viewer, handle: u.system},
		{pattern: "POST /system/doctor", role: domain.RoleOperator, handle: u.examine},
		{pattern: "/", role: domain.Viewer, handle: u.notFound},
	}
}
