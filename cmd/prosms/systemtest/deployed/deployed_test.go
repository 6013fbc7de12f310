package deployed

import (
	"slices"
	"testing"
)

func TestMetricsAreFoundInExpressions(t *testing.T) {
	got := MetricsIn(`histogram_quantile(.9, sum by (le, x) (rate(a_bucket{b="c"}[5m]))) > 2 and sum by(d)(increase(e:f[1h])) / max(g)`)
	if want := []string{"a_bucket", "e:f", "g"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
