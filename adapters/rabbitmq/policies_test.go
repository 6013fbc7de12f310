package rabbitmq

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
)

// The list is as the management API gives it (rabbitmq.com/docs/management, /api/policies).
func TestPoliciesThatLoseMessagesAreFound(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "sms" || password != "hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`[
			{"vhost":"/","name":"ttl","pattern":"^sms[.]dispatch","apply-to":"all","definition":{"message-ttl":1000,"max-length":5},"priority":0},
			{"vhost":"/","name":"mine","pattern":"^mine[.]sms[.]dlq$","apply-to":"queues","definition":{"expires":1000},"priority":0},
			{"vhost":"/","name":"others","pattern":"^orders","apply-to":"queues","definition":{"message-ttl":1000},"priority":0},
			{"vhost":"/","name":"group","pattern":".*","apply-to":"queues","definition":{"target-group-size":3},"priority":0},
			{"vhost":"/","name":"exchanges","pattern":".*","apply-to":"exchanges","definition":{"alternate-exchange":"x"},"priority":0}]`))
	}))
	defer server.Close()
	management, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := harmfulPolicies(t.Context(), management, ""); !errors.Is(err, ErrNoManagement) {
		t.Errorf("without a login: %v", err)
	}
	management.User = url.UserPassword("sms", "hunter2")
	for prefix, want := range map[string][]string{"": {"ttl sets max-length", "ttl sets message-ttl"}, "mine.": {"mine sets expires"}} {
		if got, err := harmfulPolicies(t.Context(), management, prefix); err != nil || !slices.Equal(got, want) {
			t.Errorf("prefix %q: %q, %v; want %q", prefix, got, err, want)
		}
	}
}

func TestTheLoginGoesNowhereButToTheBroker(t *testing.T) {
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer server.Close()
	management, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := harmfulPolicies(t.Context(), management, ""); !errors.Is(err, ErrNoManagement) || asked {
		t.Errorf("a redirect: %v, followed: %v", err, asked)
	}
}

func TestTheManagementOfABrokerIsAtItsHost(t *testing.T) {
	for broker, want := range map[string]string{
		"amqp://a:b@mq:5672/":        "http://a:b@mq:15672/api/policies/%2F",
		"amqps://a:b@mq.example/sms": "https://a:b@mq.example:15671/api/policies/sms",
		"amqp://a:b@mq/%2Fteam":      "http://a:b@mq:15672/api/policies/%2Fteam",
	} {
		if got, err := managementOf(broker, "/api/policies/", ""); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", broker, got, err, want)
		}
	}
}
