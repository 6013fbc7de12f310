package porttest

import (
	"sync"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports"
)

// KeyUses holds what open returns, two instances over one database that is new to
// each law, to the laws of ports.KeyUses.
func KeyUses(t *testing.T, open func(*testing.T) (a, b ports.KeyUses)) {
	noon := time.Date(2030, 1, 31, 12, 0, 0, 123_456_000, time.UTC)
	expect := func(t *testing.T, uses ports.KeyUses, id string, want time.Time) {
		t.Helper()
		got, err := uses.LastUsed(t.Context(), []string{id, "unknown"})
		if err != nil || len(got) > 1 || !got[id].Equal(want) {
			t.Errorf("last used %v, %v; want %s at %v", got, err, id, want)
		}
	}

	t.Run("the latest use stays, whoever notes it", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		expect(t, a, "k", time.Time{})
		for _, use := range []struct {
			by       ports.KeyUses
			at, want time.Time
		}{
			{a, noon, noon}, {b, noon.Add(-time.Hour), noon}, {b, noon.Add(time.Minute), noon.Add(time.Minute)}, {a, noon, noon.Add(time.Minute)},
		} {
			if err := use.by.Used(t.Context(), "k", use.at); err != nil {
				t.Fatal(err)
			}
			expect(t, a, "k", use.want)
			expect(t, b, "k", use.want)
		}
		if got, err := a.LastUsed(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("of no key: %v, %v", got, err)
		}
	})

	t.Run("uses at once leave the latest", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				if err := []ports.KeyUses{a, b}[i%2].Used(t.Context(), "k", noon.Add(time.Duration(i)*time.Second)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		expect(t, b, "k", noon.Add(7*time.Second))
	})
}
