package httpprovider_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/httpprovider"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

func TestALookUpTakesOnlyWhatCanBeTheAttempt(t *testing.T) {
	t.Parallel()
	byReference := httpprovider.Lookup{List: "data", ID: "id", Reference: "ref", AbsentStatus: 404, Most: 3}
	byBody := httpprovider.Lookup{ID: "id", To: "to", Body: "body", Created: "at"}
	const twelve = "1772366400" // noon
	for _, tt := range []struct {
		name   string
		lookup httpprovider.Lookup
		status int
		answer string
		want   ports.Found
		fails  bool
	}{
		{"by its reference", byReference, 200, `{"data":[{"id":"a","ref":"msg_1.1"},{"id":"b","ref":"msg_1.2"}]}`, ports.Found{ProviderMessageID: "b"}, false},
		{"none", byReference, 200, `{"data":[]}`, ports.Found{}, false},
		{"a status that says none", byReference, 404, ``, ports.Found{}, false},
		{"a status that says nothing", byReference, 403, ``, ports.Found{}, true},
		{"a server error", byReference, 500, `{"data":[]}`, ports.Found{}, true},
		{"no list", byReference, 200, `{"dat":[]}`, ports.Found{}, true},
		{"a list that is none", byReference, 200, `{"data":{}}`, ports.Found{}, true},
		{"no json", byReference, 200, `<html>`, ports.Found{}, true},
		{"an entry without a reference", byReference, 200, `{"data":[{"id":"a"}]}`, ports.Found{}, true},
		{"an entry without an id", byReference, 200, `{"data":[{"ref":"msg_1.2"}]}`, ports.Found{}, true},
		{"as many as are shown", byReference, 200, `{"data":[{"id":"a","ref":"x"},{"id":"b","ref":"y"},{"id":"c","ref":"z"}]}`, ports.Found{}, true},
		{"one text, not a list", byBody, 200, `{"id":"a","to":"+14155552671","body":"Hi","at":` + twelve + `}`, ports.Found{ProviderMessageID: "a"}, false},
		{"with another body", byBody, 200, `[{"id":"a","to":"14155552671","body":"Ho","at":` + twelve + `}]`, ports.Found{}, false},
		{"to another number", byBody, 200, `[{"id":"a","to":"14155552672","body":"Hi","at":` + twelve + `}]`, ports.Found{}, false},
		{"an hour later", byBody, 200, `[{"id":"a","to":"14155552671","body":"Hi","at":"2026-03-01T13:00:00Z"}]`, ports.Found{}, false},
		{"in no time that can be read", byBody, 200, `[{"id":"a","to":"14155552671","body":"Hi","at":"noon"}]`, ports.Found{}, true},
		{
			"several", byBody, 200,
			`[{"id":"a","to":"14155552671","body":"Hi","at":"2026-03-01T12:00:09Z"},{"id":"b","to":"14155552671","body":"Hi","at":"2026-03-01T12:00:02+00:00"}]`,
			ports.Found{ProviderMessageID: "b", Ambiguous: true}, false,
		},
		{"nothing at all", byBody, 200, `null`, ports.Found{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", noon.Format(http.TimeFormat))
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			}))
			t.Cleanup(server.Close)
			c := (&far{server: server}).config()
			c.Now = func() time.Time { return noon }
			tt.lookup.URL = server.URL + "/?ref={reference}"
			c.Lookup = &tt.lookup
			attempt := ports.Lookup{
				Text:        ports.Text{MessageID: "msg_1", Attempt: 2, To: "+14155552671", Body: "Hi"},
				AttemptedAt: noon, Bound: func(string) bool { return false },
			}
			got, err := openProvider(t, c).Find(t.Context(), attempt)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %+v, %v; want %+v, an error: %v", got, err, tt.want, tt.fails)
			}
			if err != nil && (strings.Contains(err.Error(), server.URL) || strings.Contains(err.Error(), "4155552671")) {
				t.Error("the error shows a URL or a number")
			}
		})
	}
}

func TestWithoutALookUpADoubtCannotBeAskedAbout(t *testing.T) {
	t.Parallel()
	c := openFar(t).config()
	c.Lookup = nil
	provider := openProvider(t, c)
	if _, err := provider.Find(t.Context(), ports.Lookup{Text: ports.Text{To: events.Personal("+14155552671")}}); !errors.Is(err, ports.ErrNoLookup) {
		t.Errorf("Find: %v, want ErrNoLookup", err)
	}
	if _, err := provider.Status(t.Context(), "m-1"); !errors.Is(err, ports.ErrNoLookup) {
		t.Errorf("Status: %v, want ErrNoLookup", err)
	}
}
