package systemtest

import (
	"net/http"
	"testing"
	"time"
)

// A second is what the other instance may take; the rest is a busy machine's.
func TestAKeyRevokedAtOneInstanceOpensNothingAtTheOther(t *testing.T) {
	rig := newRig(t, true)
	first, second := rig.start(), rig.start()
	var key struct{ ID, Key string }
	if code, err := first.call("POST", "/v1/keys", map[string]any{"scopes": []string{"messages:read"}}, &key); err != nil || code != http.StatusCreated {
		t.Fatalf("issuing: %d, %v", code, err)
	}
	opens := func(i *instance) bool {
		request, err := http.NewRequest("GET", i.url+"/v1/messages", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key.Key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	if !opens(first) || !opens(second) {
		t.Fatal("the key does not open")
	}
	if code, err := first.call("DELETE", "/v1/keys/"+key.ID, nil, nil); err != nil || code != http.StatusNoContent {
		t.Fatalf("revoking: %d, %v", code, err)
	}
	revoked := time.Now()
	if opens(first) {
		t.Error("it opens where it was revoked")
	}
	eventually(t, 3*time.Second, "refused", func() bool { return !opens(second) })
	t.Logf("refused by the other instance after %v", time.Since(revoked))
	var keys struct {
		Data []struct {
			ID       string
			LastUsed *time.Time `json:"last_used_at"`
		}
	}
	if code, err := second.call("GET", "/v1/keys", nil, &keys); err != nil || code != http.StatusOK {
		t.Fatalf("listing: %d, %v", code, err)
	}
	for _, k := range keys.Data {
		if k.LastUsed == nil || time.Since(*k.LastUsed) > time.Minute {
			t.Errorf("%s was last used at %v", k.ID, k.LastUsed)
		}
	}
}
