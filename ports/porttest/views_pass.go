package porttest

import (
	"slices"
	"sync"
	"testing"

	"github.com/pro-sms/prosms/ports"
)

// standAt advances a projection that has no rows.
func standAt(t *testing.T, views ports.Views, projection string, position int64) {
	t.Helper()
	err := views.Advance(t.Context(), projection, func(ports.ViewTx, int64) (int64, error) { return position, nil })
	if err != nil {
		t.Fatal(err)
	}
}

func passLeavesThoseBehind(t *testing.T, views ports.Views) {
	stand := map[string]int64{"behind": 4, "at": 5, "within": 7, "there": 9, "beyond": 12}
	for projection, position := range stand {
		standAt(t, views, projection, position)
	}
	names := []string{"there", "unknown", "at", "behind", "within", "beyond"}
	behind, err := views.Pass(t.Context(), names, 5, 9)
	slices.Sort(behind)
	if err != nil || !slices.Equal(behind, []string{"behind", "unknown"}) {
		t.Errorf("behind are %v, %v", behind, err)
	}
	for projection, want := range map[string]int64{"behind": 4, "at": 9, "within": 9, "there": 9, "beyond": 12, "unknown": 0} {
		if got, err := views.Checkpoint(t.Context(), projection); err != nil || got != want {
			t.Errorf("%s stands at %d, %v; want %d", projection, got, err, want)
		}
	}
}

func passesAndAdvancesTakeTurns(t *testing.T, views ports.Views) {
	names := []string{"a", "b", "c"}
	for _, projection := range names {
		standAt(t, views, projection, 1)
	}
	var workers sync.WaitGroup
	const steps = 50
	for worker := range 4 {
		workers.Go(func() {
			mine := slices.Clone(names)
			if worker%2 == 1 {
				slices.Reverse(mine)
			}
			for range steps {
				if _, err := views.Pass(t.Context(), mine, 0, 1); err != nil {
					t.Error(err)
				}
				err := views.Advance(t.Context(), mine[0], func(_ ports.ViewTx, at int64) (int64, error) { return at + 1, nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	for projection, want := range map[string]int64{"a": 1 + 2*steps, "b": 1, "c": 1 + 2*steps} {
		if got, err := views.Checkpoint(t.Context(), projection); err != nil || got != want {
			t.Errorf("%s stands at %d, %v; want %d", projection, got, err, want)
		}
	}
}
