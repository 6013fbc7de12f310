package porttest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

func providerFinds(t *testing.T, open ProviderSetup) {
	for n, deed := range []Deed{TakesOn, HangsUpAfter, FailsAfter, KeepsQuiet, AnswersNonsense} {
		t.Run("by a far side that "+string(deed), func(t *testing.T) {
			t.Parallel()
			provider, far := open(t)
			text, at := providerText(n), time.Now()
			far.Do(t, deed, string(text.To))
			provider.Send(t.Context(), text)
			got, err := provider.Find(t.Context(), lookup(text, at))
			want := ports.Found{ProviderMessageID: far.TakenOn(string(text.To))[0]}
			if err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func providerNoTrace(t *testing.T, open ProviderSetup) {
	for n, deed := range []Deed{HangsUpBefore, FailsBefore, Refuses} {
		t.Run("by a far side that "+string(deed), func(t *testing.T) {
			t.Parallel()
			provider, far := open(t)
			text, at := providerText(n), time.Now()
			far.Do(t, TakesOn, string(text.To))
			other := text
			other.Body = "Something else to the same number"
			if got := provider.Send(t.Context(), other); got.Class != domain.ClassSent {
				t.Fatalf("sending another text: %+v", got)
			}
			far.Do(t, deed, string(text.To))
			provider.Send(t.Context(), text)
			if got, err := provider.Find(t.Context(), lookup(text, at)); err != nil || got != (ports.Found{}) {
				t.Errorf("got %+v, %v; want no trace", got, err)
			}
		})
	}
	t.Run("nor did a time long before or after", func(t *testing.T) {
		t.Parallel()
		provider, far := open(t)
		text := providerText(1)
		far.Do(t, TakesOn, string(text.To))
		provider.Send(t.Context(), text)
		for _, off := range []time.Duration{-time.Hour, time.Hour} {
			if got, err := provider.Find(t.Context(), lookup(text, time.Now().Add(off))); err != nil || got != (ports.Found{}) {
				t.Errorf("%v off: got %+v, %v; want no trace", off, got, err)
			}
		}
	})
}

func providerBound(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	text, at := providerText(1), time.Now()
	far.Do(t, TakesOn, string(text.To))
	provider.Send(t.Context(), text)
	second := provider.Send(t.Context(), text)
	taken := far.TakenOn(string(text.To))
	asked := lookup(text, at)
	asked.Bound = func(id string) bool { return slices.Contains(taken[:1], id) }
	if got, err := provider.Find(t.Context(), asked); err != nil || got != (ports.Found{ProviderMessageID: second.ProviderMessageID}) {
		t.Errorf("got %+v, %v; want the second of %q", got, err, taken)
	}
	asked.Bound = func(string) bool { return true }
	if got, err := provider.Find(t.Context(), asked); err != nil || got != (ports.Found{}) {
		t.Errorf("got %+v, %v; want no trace", got, err)
	}
}

func providerAmbiguous(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	text, at := providerText(1), time.Now()
	far.Do(t, TakesOn, string(text.To))
	first := provider.Send(t.Context(), text)
	// Providers date to the second: only then is there an earliest.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	provider.Send(t.Context(), text)
	got, err := provider.Find(t.Context(), lookup(text, at))
	if want := (ports.Found{ProviderMessageID: first.ProviderMessageID, Ambiguous: true}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func providerUnasked(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	far.Close()
	if got, err := provider.Find(t.Context(), lookup(providerText(1), time.Now())); err == nil {
		t.Errorf("got %+v and no error", got)
	}
}

func providerStatus(t *testing.T, open ProviderSetup) {
	t.Parallel()
	provider, far := open(t)
	text := providerText(1)
	far.Do(t, TakesOn, string(text.To))
	sent := provider.Send(t.Context(), text)
	got, err := provider.Status(t.Context(), sent.ProviderMessageID)
	if errors.Is(err, ports.ErrNoLookup) {
		return
	}
	if err != nil || got.ProviderMessageID != sent.ProviderMessageID || got.ProviderStatus == "" {
		t.Errorf("got %+v, %v; want the status of %s", got, err, sent.ProviderMessageID)
	}
	unknown := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '8' {
			return r + 1
		}
		return r
	}, sent.ProviderMessageID)
	if got, err := provider.Status(t.Context(), unknown); err == nil {
		t.Errorf("got %+v and no error for a text that was never taken on", got)
	}
	far.Close()
	if got, err := provider.Status(t.Context(), sent.ProviderMessageID); err == nil {
		t.Errorf("got %+v and no error although nobody could be asked", got)
	}
}
