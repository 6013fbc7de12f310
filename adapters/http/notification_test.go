package api_test

import (
	"encoding/json"
	"testing"

	api "github.com/pro-sms/prosms/adapters/http"
)

func TestTheBodyOfAWebhookIsAsTheContractSays(t *testing.T) {
	w := newWorld(t)
	id := w.accept(text(`"callback_url":"https://example.com/cb?a=1&b=2"`))
	recorded, err := w.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	body, err := api.Notification(recorded)
	if err != nil {
		t.Fatal(err)
	}
	var told any
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	if err := contract(t).document.Components.Schemas["WebhookEvent"].Value.VisitJSON(told); err != nil {
		t.Error(err)
	}
	data := told.(map[string]any)["data"].(map[string]any)
	if message := data["message"].(map[string]any); message["id"] != id || message["status"] != "accepted" {
		t.Errorf("message %v", message["id"])
	}
	if event := data["event"].(map[string]any); event["version"] != 1.0 || len(event["data"].(map[string]any)) != 0 {
		t.Errorf("event %v", event)
	}
}
