package systemtest

import (
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer passes each request on to the next gateway of which /readyz is well, and
// tries it nowhere else. It leaves one out that was not well three times.
type balancer struct {
	addr  string
	last  atomic.Uint64
	ready []*atomic.Bool
}

// newBalancer asks the gateways at addrs every tenth of a second.
func newBalancer(t *testing.T, addrs ...string) *balancer {
	b := &balancer{}
	stop := make(chan struct{})
	var probing sync.WaitGroup
	for _, addr := range addrs {
		ready := new(atomic.Bool)
		b.ready = append(b.ready, ready)
		probing.Go(func() {
			ticker := time.NewTicker(100 * time.Millisecond)
			defer ticker.Stop()
			for failed := 0; ; {
				if failed++; answersWell("http://" + addr + "/readyz") {
					failed = 0
				}
				ready.Store(failed < 3)
				select {
				case <-ticker.C:
				case <-stop:
					return
				}
			}
		})
	}
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", addrs[b.next()]
	}})
	b.addr = strings.TrimPrefix(front.URL, "http://")
	t.Cleanup(func() {
		close(stop)
		probing.Wait()
		front.Close()
	})
	return b
}

// next is whose turn it is. Where none is ready it is anybody's.
func (b *balancer) next() int {
	first := int(b.last.Add(1))
	for i := range b.ready {
		if n := (first + i) % len(b.ready); b.ready[n].Load() {
			return n
		}
	}
	return first % len(b.ready)
}

// Three instances are replaced in turn behind a balancer that does nothing but look at
// /readyz: PROSMS_SHUTDOWN_DELAY leaves it time, so no request fails, and none is repeated.
func TestARollingRestartBehindABalancerFailsNoRequest(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true, append(swift[:len(swift):len(swift)], "PROSMS_SHUTDOWN_DELAY=5s")...)
	running := make([]*instance, 3)
	addrs := make([]string, len(running))
	for n := range running {
		running[n] = rig.start()
		addrs[n] = strings.TrimPrefix(running[n].url, "http://")
	}
	front := newBalancer(t, addrs...)
	for n := range running {
		eventually(t, 20*time.Second, "ready for the balancer", front.ready[n].Load)
	}
	client := newTraffic(rig, front.addr)
	stop := steadily([]*traffic{client}, 2, 50*time.Millisecond)
	for n, old := range running {
		old.stop()
		running[n] = rig.launch(addrs[n])
		eventually(t, 20*time.Second, "ready for the balancer again", front.ready[n].Load)
	}
	texts := stop()
	ids := client.finish()
	if len(client.refused) > 0 || len(ids) != texts {
		t.Errorf("of %d texts %d were answered for; requests that failed, by status: %v", texts, len(ids), client.refused)
	}
	rig.verifyOnce(running[0], ids, time.Minute)
	t.Logf("%d texts in %d requests while all %d instances were replaced: none failed", texts, texts/2, len(running))
	for _, i := range running {
		i.stop()
	}
}
