package porttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// Deed is what the far side of a provider does with the texts to one number.
type Deed string

// The deeds. "Takes on" means that the text will be sent, whatever we are told.
const (
	TakesOn         Deed = "takes on and says so"
	Refuses         Deed = "refuses for good"
	Throttles       Deed = "says too fast, with a time to wait"
	HangsUpAfter    Deed = "takes on, then drops the connection"
	HangsUpBefore   Deed = "drops the connection, taking nothing on"
	FailsAfter      Deed = "takes on, then reports a fault of its own"
	FailsBefore     Deed = "reports a fault of its own, taking nothing on"
	KeepsQuiet      Deed = "takes on and never answers"
	AnswersNonsense Deed = "takes on and says so unreadably"
	LocksOut        Deed = "does not know our credentials"
)

// FarSide is the provider's service as a fake on a real socket.
type FarSide interface {
	Do(t *testing.T, deed Deed, to string) // with texts to this number from now on
	Requests() int                         // to send a text, so far
	TakenOn(to string) []string            // ids of the texts taken on, oldest first
	Close()                                // refuse connections
}

// ProviderSetup returns a provider that gives up within a second, without a far
// side that is shared with another law. Everything ends with t.
type ProviderSetup func(t *testing.T) (ports.Provider, FarSide)

// Provider holds a provider to the laws of ports.Provider.
func Provider(t *testing.T, open ProviderSetup) {
	t.Run("an attempt ends in the class that is certain, after one request", func(t *testing.T) { providerClasses(t, open) })
	t.Run("a refused connection is certainly not sent", func(t *testing.T) { providerRefused(t, open) })
	t.Run("a context that ends early is no proof that nothing was sent", func(t *testing.T) { providerCanceled(t, open) })
	t.Run("an outcome holds nothing personal", func(t *testing.T) { providerPersonal(t, open) })
	t.Run("attempts at once do not mix", func(t *testing.T) { providerConcurrent(t, open) })
	t.Run("what was taken on is found", func(t *testing.T) { providerFinds(t, open) })
	t.Run("what was not taken on leaves no trace", func(t *testing.T) { providerNoTrace(t, open) })
	t.Run("what is another attempt's is not found", func(t *testing.T) { providerBound(t, open) })
	t.Run("identical texts are ambiguous, and the earliest is taken", func(t *testing.T) { providerAmbiguous(t, open) })
	t.Run("what was taken on can be asked about", func(t *testing.T) { providerStatus(t, open) })
	t.Run("a far side that cannot be asked has not shown that there is no trace", func(t *testing.T) { providerUnasked(t, open) })
}

// farTime bounds what should end within the provider's own second.
const farTime = 5 * time.Second

func providerText(n int) ports.Text {
	return ports.Text{
		MessageID: fmt.Sprintf("msg_%d", n), Attempt: 1,
		To: events.Personal(fmt.Sprintf("+1415555%04d", n)), Body: "Your code is 424242",
	}
}

func lookup(text ports.Text, at time.Time) ports.Lookup {
	return ports.Lookup{Text: text, AttemptedAt: at, Bound: func(string) bool { return false }}
}

func providerClasses(t *testing.T, open ProviderSetup) {
	for n, tt := range []struct {
		deed Deed
		want domain.Class
	}{
		{TakesOn, domain.ClassSent},
		{Refuses, domain.ClassPermanent},
		{Throttles, domain.ClassThrottled},
		{LocksOut, domain.ClassProviderWide},
		{HangsUpAfter, domain.ClassInDoubt},
		{HangsUpBefore, domain.ClassInDoubt},
		{FailsAfter, domain.ClassInDoubt},
		{FailsBefore, domain.ClassInDoubt},
		{KeepsQuiet, domain.ClassInDoubt},
		{AnswersNonsense, domain.ClassInDoubt},
	} {
		t.Run(string(tt.deed), func(t *testing.T) {
			t.Parallel()
			provider, far := open(t)
			text := providerText(n)
			far.Do(t, tt.deed, string(text.To))
			begun := time.Now()
			got := provider.Send(t.Context(), text)
			if got.Class != tt.want {
				t.Errorf("got %+v; want class %s", got, tt.want)
			}
			if took := time.Since(begun); took > farTime {
				t.Errorf("Send took %v", took)
			}
			if n := far.Requests(); n != 1 {
				t.Errorf("%d requests for one Send", n)
			}
			checkOutcome(t, got, far.TakenOn(string(text.To)))
		})
	}
}

// checkOutcome holds an outcome to what its fields promise.
func checkOutcome(t *testing.T, o ports.Outcome, takenOn []string) {
	t.Helper()
	if o.Class == domain.ClassSent && !slices.Equal(takenOn, []string{o.ProviderMessageID}) {
		t.Errorf("sent as %q; the far side took on %q", o.ProviderMessageID, takenOn)
	}
	if o.Class != domain.ClassSent && o.Class != domain.ClassInDoubt && len(takenOn) > 0 {
		t.Errorf("%s, although the far side took on %q", o.Class, takenOn)
	}
	if (o.Class == domain.ClassInDoubt) != (o.Cause != "") {
		t.Errorf("%s with cause %q", o.Class, o.Cause)
	}
	if o.Class == domain.ClassThrottled && o.RetryAfter <= 0 {
		t.Error("the far side's time to wait is lost")
	}
}

func providerRefused(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	far.Close()
	got := provider.Send(t.Context(), providerText(1))
	if got.Class != domain.ClassNotSent && got.Class != domain.ClassProviderWide {
		t.Errorf("got %+v; want a class that is certain and worth another try", got)
	}
}

func providerCanceled(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	text := providerText(1)
	far.Do(t, KeepsQuiet, string(text.To))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan ports.Outcome, 1)
	go func() { ended <- provider.Send(ctx, text) }()
	for len(far.TakenOn(string(text.To))) == 0 && len(ended) == 0 {
		time.Sleep(time.Millisecond) // the far side has no event to wait for
	}
	cancel()
	if got := <-ended; got.Class != domain.ClassInDoubt {
		t.Errorf("got %+v; want in doubt", got)
	}
}

func providerPersonal(t *testing.T, open ProviderSetup) {
	t.Parallel()
	for _, deed := range []Deed{TakesOn, Refuses, FailsAfter, HangsUpAfter, AnswersNonsense} {
		provider, far := open(t)
		text := providerText(1)
		far.Do(t, deed, string(text.To))
		shown := fmt.Sprintf("%+v", provider.Send(t.Context(), text))
		if strings.Contains(shown, string(text.To)[1:]) || strings.Contains(shown, string(text.Body)) {
			t.Errorf("a far side that %s: the outcome shows number or body", deed)
		}
	}
}

func providerConcurrent(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	const texts = 20
	type sent struct {
		to string
		o  ports.Outcome
	}
	results := make(chan sent, texts)
	for n := range texts {
		text := providerText(n)
		far.Do(t, TakesOn, string(text.To))
		go func() { results <- sent{string(text.To), provider.Send(context.WithoutCancel(t.Context()), text)} }()
	}
	for range texts {
		r := <-results
		if r.o.Class != domain.ClassSent {
			t.Errorf("got %+v", r.o)
		}
		checkOutcome(t, r.o, far.TakenOn(r.to))
	}
	if n := far.Requests(); n != texts {
		t.Errorf("%d requests for %d texts", n, texts)
	}
}
