package rabbitmq

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The list is as the management API gives it (rabbitmq.com/docs/management, /api/vhosts/name/connections).
func TestInstallationsThatShareQueuesAreFound(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/api/vhosts/%2F/connections" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`[
			{"peer_host":"10.0.0.7","vhost":"/","client_properties":{"connection_name":"prosms publish","prosms_installation":"aa","prosms_prefix":""}},
			{"peer_host":"10.0.0.7","vhost":"/","client_properties":{"connection_name":"prosms consume","prosms_installation":"aa","prosms_prefix":""}},
			{"peer_host":"10.0.0.5","vhost":"/","client_properties":{"connection_name":"prosms consume","prosms_installation":"aa","prosms_prefix":""}},
			{"peer_host":"10.9.9.9","vhost":"/","client_properties":{"connection_name":"prosms consume","prosms_installation":"bb","prosms_prefix":""}},
			{"peer_host":"10.9.9.8","vhost":"/","client_properties":{"connection_name":"prosms consume","prosms_installation":"cc","prosms_prefix":"test."}},
			{"peer_host":"10.1.1.1","vhost":"/","client_properties":{"product":"another"}}]`))
	}))
	defer server.Close()
	management, err := url.Parse(server.URL + "/api/vhosts/%2F/connections")
	if err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]map[string][]string{
		"": {"aa": {"10.0.0.5", "10.0.0.7"}, "bb": {"10.9.9.9"}}, "test.": {"cc": {"10.9.9.8"}}, "none.": {},
	} {
		got, err := installations(t.Context(), management, prefix)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("prefix %q: %v, (-want +got)\n%s", prefix, err, diff)
		}
	}
	management.Path = "/nowhere"
	if _, err := installations(t.Context(), management, ""); !errors.Is(err, ErrNoManagement) {
		t.Errorf("elsewhere: %v", err)
	}
}

func TestAConnectionSaysWhoseItIs(t *testing.T) {
	c := atBroker(t, Config{Installation: "aa"})
	b := open(t, c)
	s, err := b.consuming.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.conn.Config.Properties[propertyInstallation]; got != "aa" {
		t.Errorf("it says %v", got)
	}
	if got := s.conn.Config.Properties[propertyPrefix]; got != c.Prefix {
		t.Errorf("its prefix is %v, want %s", got, c.Prefix)
	}
}
