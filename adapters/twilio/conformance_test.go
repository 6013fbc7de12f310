package twilio_test

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/pro-sms/prosms/adapters/sandbox"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest"
)

func TestProviderObeysTheLaws(t *testing.T) {
	t.Parallel()
	porttest.Provider(t, func(t *testing.T) (ports.Provider, porttest.FarSide) {
		box, server := openSandbox(t, sandbox.Config{})
		return openProvider(t, twilio.Config{BaseURL: server.URL, Timeout: time.Second}), &farSide{box, server}
	})
}

// openSandbox serves a sandbox until the test ends.
func openSandbox(t *testing.T, c sandbox.Config) (*sandbox.Sandbox, *httptest.Server) {
	t.Helper()
	box, err := sandbox.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return box, server
}

// openProvider returns a provider with the sandbox's credentials and sender.
func openProvider(t *testing.T, c twilio.Config) *twilio.Provider {
	t.Helper()
	c.AccountSID, c.AuthToken = sandbox.DefaultAccountSID, sandbox.DefaultAuthToken
	if c.From == "" && c.MessagingServiceSID == "" {
		c.From = sandbox.DefaultFrom
	}
	provider, err := twilio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	return provider
}

// farSide is a sandbox as the suite sees it.
type farSide struct {
	*sandbox.Sandbox
	server *httptest.Server
}

func (f *farSide) Do(t *testing.T, deed porttest.Deed, to string) {
	t.Helper()
	fault, ok := map[porttest.Deed]sandbox.Fault{
		porttest.TakesOn:         {},
		porttest.Refuses:         {Do: sandbox.Fail, Status: 400, Code: 21211},
		porttest.Throttles:       {Do: sandbox.Throttle, RetryAfter: 7},
		porttest.HangsUpAfter:    {Do: sandbox.Drop, Accept: true},
		porttest.HangsUpBefore:   {Do: sandbox.Drop},
		porttest.FailsAfter:      {Do: sandbox.Fail, Status: 503, Accept: true},
		porttest.FailsBefore:     {Do: sandbox.Fail, Status: 503},
		porttest.KeepsQuiet:      {Do: sandbox.Hang, Accept: true},
		porttest.AnswersNonsense: {Do: sandbox.Junk, Accept: true},
		porttest.LocksOut:        {Do: sandbox.Unauthorized},
	}[deed]
	if !ok {
		t.Fatalf("the sandbox has no way to be one that %s", deed)
	}
	faults := slices.DeleteFunc(f.Faults(), func(f sandbox.Fault) bool { return f.To == to })
	fault.To = to
	f.ClearScript()
	if err := f.Script(append(faults, fault)...); err != nil {
		t.Fatal(err)
	}
}

func (f *farSide) Requests() int { return int(f.Ledger(0, 0).Requests) }

func (f *farSide) TakenOn(to string) []string {
	var ids []string
	for _, m := range f.Ledger(0, 1000).Entries {
		if m.To == to {
			ids = append(ids, m.SID)
		}
	}
	return ids
}

func (f *farSide) Close() { f.server.Close() }
