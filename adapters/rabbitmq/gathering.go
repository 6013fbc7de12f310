package rabbitmq

import (
	"time"

	"github.com/pro-sms/prosms/ports"
)

// framesAhead is how many frames of events the broker sends before an ack, and so how
// many can come as one message.
const framesAhead = 32

// gathering puts frames of events that wait together, as they would have been relayed
// had they been read from the log at once: what is done once for a frame, and once for
// a message in it, is then done less often. What cannot be put together stays apart,
// in its order.
type gathering struct {
	last time.Time // when frames were last put together
	rest []arrival // taken from the channel, and to come next
}

// next returns what was taken from the channel and has yet to be handled.
func (g *gathering) next() (a arrival, ok bool) {
	if len(g.rest) == 0 {
		return a, false
	}
	a, g.rest = g.rest[0], g.rest[1:]
	return a, true
}

// gather returns first with what arrived after it until every has passed since the last
// time. A frame that comes alone does not wait.
func (g *gathering) gather(c *consumer, first arrival, every time.Duration) arrival {
	if !ports.IsEventFrame(first.Body) {
		return first
	}
	pause(c.live, time.Until(g.last.Add(every)))
	g.last = time.Now()
	waiting, bodies := []arrival{first}, [][]byte{first.Body}
	for more := true; more && len(waiting) < framesAhead; {
		select {
		case a, ok := <-c.arrivals:
			if more = ok; ok {
				waiting, bodies = append(waiting, a), append(bodies, a.Body)
			}
		default:
			more = false
		}
	}
	merged, n := ports.MergeEventFrames(bodies)
	g.rest = waiting[n:]
	together := waiting[n-1] // its ack is for those before it, too
	together.at, together.Body = first.at, merged
	return together
}
