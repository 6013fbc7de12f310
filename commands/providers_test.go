package commands

import (
	"testing"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

func TestTextsOfTestKeysReachTheTestProviderOnly(t *testing.T) {
	w := newWorld(t)
	live, sandbox := w.carrier, &carrier{}
	w.dispatcher.Providers = Providers{Live: live, Test: sandbox}
	tester := caller
	tester.Test = true
	sent, err := w.handler.Send(t.Context(), tester, Send{To: "+14155552671", Body: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	work := []ports.Work{{MessageID: sent.ID, Attempt: 1}}
	if err := w.dispatcher.Dispatch(t.Context(), domain.Normal, work); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if live.sent() != 0 || sandbox.sent() != 1 {
		t.Errorf("%d live and %d in the sandbox", live.sent(), sandbox.sent())
	}
}
