package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestDecisionsAboutWebhooks(t *testing.T) {
	until := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	created := events.WebhookCreated{ID: "wh_1", URL: "https://example.com/", Types: []string{"message.delivered"}}
	same := events.WebhookChanged{ID: "wh_1", URL: created.URL, Types: created.Types}
	elsewhere := events.WebhookChanged{ID: "wh_1", URL: "https://example.org/", Types: created.Types}
	disabled := events.WebhookDisabled{ID: "wh_1", Reason: "failing", By: "courier"}
	deleted := events.WebhookDeleted{ID: "wh_1", By: "ada"}
	fail := domain.DisableWebhook{ID: "wh_1", URL: created.URL, Reason: "failing", By: "courier"}
	for _, tt := range []struct {
		name  string
		given []events.Event
		when  domain.Command
		then  []events.Event
		err   error
	}{
		{"one is created", nil, domain.CreateWebhook{Endpoint: created}, []events.Event{created}, nil},
		{"it moves", history(created), domain.ChangeWebhook{Endpoint: elsewhere}, []events.Event{elsewhere}, nil},
		{"it stays", history(created), domain.ChangeWebhook{Endpoint: same}, nil, nil},
		{"it gets its second secret", history(created), domain.RotateWebhook{ID: "wh_1", Until: until}, []events.Event{events.WebhookRotated{ID: "wh_1", Secret: 2, PreviousUntil: until}}, nil},
		{"callbacks get their second secret", nil, domain.RotateWebhook{ID: "callbacks", Until: until}, []events.Event{events.WebhookRotated{ID: "callbacks", Secret: 2, PreviousUntil: until}}, nil},
		{"and their third", history(events.WebhookRotated{ID: "callbacks", Secret: 2}), domain.RotateWebhook{ID: "callbacks", Until: until}, []events.Event{events.WebhookRotated{ID: "callbacks", Secret: 3, PreviousUntil: until}}, nil},
		{"it fails for too long", history(created), fail, []events.Event{disabled}, nil},
		{"it is disabled already", history(created, disabled), fail, nil, nil},
		{"it has moved away from what failed", history(created, elsewhere), fail, nil, nil},
		{"it is enabled again", history(created, disabled), domain.EnableWebhook{ID: "wh_1", By: "ada"}, []events.Event{events.WebhookEnabled{ID: "wh_1", By: "ada"}}, nil},
		{"it is enabled already", history(created), domain.EnableWebhook{ID: "wh_1", By: "ada"}, nil, nil},
		{"it is deleted", history(created), domain.DeleteWebhook{ID: "wh_1", By: "ada"}, []events.Event{deleted}, nil},
		{"what is deleted is gone", history(created, deleted), domain.DeleteWebhook{ID: "wh_1", By: "ada"}, nil, domain.ErrNotFound},
		{"callbacks are not deleted", nil, domain.DeleteWebhook{ID: "callbacks"}, nil, domain.ErrNotFound},
		{"callbacks have no URL", nil, domain.ChangeWebhook{Endpoint: events.WebhookChanged{ID: "callbacks"}}, nil, domain.ErrNotFound},
		{"callbacks are not disabled", nil, domain.DisableWebhook{ID: "callbacks", Reason: "gone"}, nil, nil},
		{"a command of something else", nil, domain.Cancel{}, nil, domain.ErrUnknownCommand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var state domain.Webhooks
			for _, e := range tt.given {
				state = state.Evolve(e)
			}
			got, err := state.Decide(tt.when)
			if diff := cmp.Diff(tt.then, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("Decide: %v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}
