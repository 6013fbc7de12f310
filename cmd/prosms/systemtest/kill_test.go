package systemtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// long reports whether tests may take their time (./test --long).
func long() bool { return os.Getenv("PROSMS_TEST_LONG") != "" }

// seeded returns a source of chance whose seed is in the log of the test, and in
// PROSMS_TEST_SEED if it is to be the same again.
func seeded(t *testing.T) *rand.Rand {
	seed, err := strconv.ParseUint(os.Getenv("PROSMS_TEST_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("PROSMS_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestKillsAtRandomLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		kills, texts := 6, 1200
		switch {
		case long() && full:
			kills, texts = 100, 20_000
		case long():
			kills, texts = 20, 20_000
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig, chance := newRig(t, full, swift...), seeded(t)
			addr := freeAddr(t)
			sending := newTraffic(rig, addr)
			for range kills {
				gateway := rig.launch(addr)
				for range 4 {
					sending.send(rig.plain(texts / kills / 4))
				}
				eventually(t, time.Minute, "ready", gateway.ready)
				time.Sleep(time.Duration(chance.IntN(1000)) * time.Millisecond)
				gateway.kill()
			}
			last := rig.launch(addr)
			ids := sending.finish()
			eventually(t, time.Minute, "ready", last.ready)
			rig.verifyOnce(last, ids, 3*time.Minute)
			last.stop()
		})
	}
}
