package api

import (
	"net/http"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

// endpoint is where a customer hears of events, as clients see it.
type endpoint struct {
	ID             string   `json:"id"`
	URL            string   `json:"url"`
	Types          []string `json:"types"`
	Enabled        bool     `json:"enabled"`
	DisabledReason *string  `json:"disabled_reason"`
}

// newEndpoint is an endpoint together with its secret, shown this once.
type newEndpoint struct {
	endpoint
	Secret string `json:"secret"`
}

// rotated is a new secret, shown this once.
type rotated struct {
	ID            string    `json:"id"`
	Secret        string    `json:"secret"`
	PreviousUntil time.Time `json:"previous_until"`
}

func endpointOf(w domain.Webhook) endpoint {
	return endpoint{ID: w.ID, URL: w.URL, Types: w.Types, Enabled: w.Disabled == "", DisabledReason: orNull(w.Disabled)}
}

// listEndpoints answers with all of a tenant's endpoints, which are few, oldest first.
func (a *api) listEndpoints(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	found, err := a.Webhooks.Endpoints(r.Context(), caller.Tenant)
	if err != nil {
		return err
	}
	shown := page[endpoint]{Data: make([]endpoint, len(found))}
	for i, f := range found {
		shown.Data[i] = endpointOf(f)
	}
	return writeJSON(w, http.StatusOK, shown)
}

// createEndpoint adds an endpoint and shows its secret.
func (a *api) createEndpoint(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request commands.EndpointRequest
	err := readJSON(w, r, maxBody, func(d *decoder) error {
		return d.object(func(name []byte) error {
			switch string(name) {
			case "url":
				return d.string(&request.URL)
			case "types":
				return d.strings(&request.Types)
			}
			return errUnknownField
		})
	})
	if err != nil {
		return err
	}
	made, err := a.Webhooks.Create(r.Context(), caller, request)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, newEndpoint{endpointOf(made.Webhook), made.NewSecret})
}

func (a *api) getEndpoint(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	found, err := a.Webhooks.Endpoint(r.Context(), caller.Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	if found.ID == domain.CallbacksEndpoint {
		return errNotFound
	}
	return writeJSON(w, http.StatusOK, endpointOf(found))
}

// changeEndpoint changes what the body names, and leaves the rest.
func (a *api) changeEndpoint(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	var request commands.EndpointChange
	err := readJSON(w, r, maxBody, func(d *decoder) error {
		return d.object(func(name []byte) error {
			switch string(name) {
			case "url":
				request.URL = new(string)
				return d.string(request.URL)
			case "types":
				request.Types = []string{}
				return d.strings(&request.Types)
			case "enabled":
				request.Enabled = new(bool)
				return d.boolean(request.Enabled)
			}
			return errUnknownField
		})
	})
	if err != nil {
		return err
	}
	changed, err := a.Webhooks.Change(r.Context(), caller, r.PathValue("id"), request)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, endpointOf(changed.Webhook))
}

// defaultOverlap is how long an old secret signs where nothing is said.
const defaultOverlap = 24 * time.Hour

// rotateEndpoint gives an endpoint, or "callbacks", a new secret and shows it.
func (a *api) rotateEndpoint(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	overlap := defaultOverlap
	if r.ContentLength != 0 {
		err := readJSON(w, r, maxBody, func(d *decoder) error {
			return d.object(func(name []byte) error {
				if string(name) != "overlap_seconds" {
					return errUnknownField
				}
				var seconds int
				err := d.positive(&seconds)
				overlap = time.Duration(seconds) * time.Second
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	made, err := a.Webhooks.Rotate(r.Context(), caller, r.PathValue("id"), overlap)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, rotated{made.ID, made.NewSecret, made.PreviousUntil})
}

func (a *api) deleteEndpoint(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	if err := a.Webhooks.Delete(r.Context(), caller, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// strings reads an array of strings.
func (d *decoder) strings(list *[]string) error {
	return d.array(func(int) error {
		*list = append(*list, "")
		return d.string(&(*list)[len(*list)-1])
	})
}
