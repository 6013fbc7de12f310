package porttest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/ports"
)

// Sightings holds what open returns to the laws of ports.Sightings. Each law has
// blocks of its own.
func Sightings(t *testing.T, open func(t *testing.T) ports.Sightings) {
	for _, law := range []struct {
		name  string
		check func(*sightingsTest)
	}{
		{"a sample is complete with its last number, once, and the block begins anew", samplesComplete},
		{"a number counts once", numbersCountOnce},
		{"what comes beyond a sample is not in it", samplesAreOfTheirSize},
		{"blocks and tenants do not share", blocksAreSeparate},
		{"what was not complete in its window is forgotten", windowsEnd},
		{"of concurrent instances one has the sample", oneHasTheSample},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.check(&sightingsTest{
				T: t, sightings: open(t), size: ports.SampleSize{Texts: 4, Window: time.Minute},
				block: fuse.Block{Tenant: fmt.Sprintf("t%d.%d", time.Now().UnixNano(), sightingRuns.Add(1)), Prefix: "+1415555"},
			})
		})
	}
}

// sightingRuns makes tenants of their own on a server that outlives the test.
var sightingRuns atomic.Int64

type sightingsTest struct {
	*testing.T
	sightings ports.Sightings
	size      ports.SampleSize
	block     fuse.Block
}

// seen are texts to numbers.
func seen(numbers ...uint64) (sightings []ports.Sighting) {
	for _, n := range numbers {
		sightings = append(sightings, ports.Sighting{Number: n, MessageID: fmt.Sprint("msg_", n)})
	}
	return sightings
}

// expect adds texts to numbers, and wants a sample of those in want; none: no sample.
func (s *sightingsTest) expect(numbers []uint64, want ...uint64) {
	s.Helper()
	complete, err := s.sightings.Add(s.Context(), s.size, map[fuse.Block][]ports.Sighting{s.block: seen(numbers...)})
	if err != nil {
		s.Fatal(err)
	}
	got := complete[s.block]
	slices.SortFunc(got, func(a, b ports.Sighting) int { return int(a.Number) - int(b.Number) })
	if !slices.Equal(got, seen(want...)) || len(complete) > 1 {
		s.Errorf("Add(%v) = %v, want %v", numbers, complete, want)
	}
}

func samplesComplete(s *sightingsTest) {
	s.expect([]uint64{1, 2})
	s.expect([]uint64{3})
	s.expect([]uint64{4}, 1, 2, 3, 4)
	s.expect([]uint64{1, 2, 3})
	s.expect([]uint64{5}, 1, 2, 3, 5)
}

func numbersCountOnce(s *sightingsTest) {
	s.expect([]uint64{1, 1, 2})
	s.expect([]uint64{2, 3, 1})
	s.expect([]uint64{3, 4}, 1, 2, 3, 4)
}

func samplesAreOfTheirSize(s *sightingsTest) {
	s.expect([]uint64{1, 2, 3, 4, 5, 6}, 1, 2, 3, 4)
	s.expect([]uint64{5, 6, 7})
}

func blocksAreSeparate(s *sightingsTest) {
	other, tenant := s.block, s.block
	other.Prefix, tenant.Tenant = "+1415556", s.block.Tenant+"x"
	add := map[fuse.Block][]ports.Sighting{s.block: seen(1, 2, 3), other: seen(1, 2), tenant: seen(4)}
	for round, want := range []int{0, 1} {
		complete, err := s.sightings.Add(s.Context(), s.size, add)
		if err != nil || len(complete) != want {
			s.Fatalf("round %d: %v, %v", round, complete, err)
		}
		add = map[fuse.Block][]ports.Sighting{s.block: seen(4), other: seen(3), tenant: seen(1)}
	}
	if complete, err := s.sightings.Add(s.Context(), s.size, map[fuse.Block][]ports.Sighting{}); err != nil || len(complete) != 0 {
		s.Errorf("nothing added: %v, %v", complete, err)
	}
}

func windowsEnd(s *sightingsTest) {
	s.size.Window = 50 * time.Millisecond
	s.expect([]uint64{1, 2, 3})
	timer := time.NewTimer(80 * time.Millisecond) // a server's clock has no other hands
	defer timer.Stop()
	<-timer.C
	s.size.Window = time.Minute
	s.expect([]uint64{4})
	s.expect([]uint64{5, 6, 7}, 4, 5, 6, 7)
}

func oneHasTheSample(s *sightingsTest) {
	s.size.Texts = 40
	var samples atomic.Int64
	var group sync.WaitGroup
	for i := range uint64(8) {
		group.Go(func() {
			for n := range uint64(5) {
				complete, err := s.sightings.Add(s.Context(), s.size, map[fuse.Block][]ports.Sighting{s.block: seen(5*i + n)})
				if err != nil {
					s.Error(err)
				}
				if len(complete[s.block]) == 40 {
					samples.Add(1)
				}
			}
		})
	}
	group.Wait()
	if samples.Load() != 1 {
		s.Errorf("%d samples, want 1", samples.Load())
	}
}
