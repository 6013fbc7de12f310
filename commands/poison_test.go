package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
)

func TestOfAFrameThatCouldNotBeDeliveredOnlyWhatIsPoisonIsGivenUp(t *testing.T) {
	w := newWorld(t)
	work := w.accept(4)
	frame := func(i int) *message.Message {
		return message.NewMessage("x", fmt.Appendf(nil, `{"work":[{"m":%q,"a":1}]}`, work[i].MessageID))
	}
	var fault error
	p := &Poison{Store: w.store, Log: slog.New(slog.DiscardHandler), Dispatch: func(ctx context.Context, lane domain.Lane, one []ports.Work) error {
		switch {
		case fault != nil:
			return fault
		case one[0] == work[1]:
			panic("claiming it")
		case one[0] == work[2]:
			return errors.New("it cannot be claimed")
		}
		return w.dispatcher.Dispatch(ctx, lane, one)
	}}
	payload := fmt.Appendf(nil, `{"work":[{"m":%q,"a":1},{"m":%q,"a":1},{"m":%q,"a":1}]}`, work[0].MessageID, work[1].MessageID, work[2].MessageID)
	if err := p.Handle(message.NewMessage("x", payload)); err != nil {
		t.Fatal(err)
	}
	w.settled()
	w.expect(work[0].MessageID, "message.accepted", "message.attempted", "message.dispatched")
	w.expect(work[1].MessageID, "message.accepted", "message.dead_lettered")
	w.expect(work[2].MessageID, "message.accepted", "message.dead_lettered")

	fault = fmt.Errorf("claiming: %w", ports.ErrUnavailable)
	if err := p.Handle(frame(3)); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("without the store: %v, want the frame to come again", err)
	}
	w.expect(work[3].MessageID, "message.accepted")
}

func TestOnlyWhatIsInTheLogIsDropped(t *testing.T) {
	p := &Poison{Log: slog.New(slog.DiscardHandler)}
	for payload, want := range map[string]error{
		`{"first":1,"last":1,"events":[{"position":1,"stream_id":"a","version":1,"type":"none","schema":1,"data":{},"meta":{}}]}`: nil,
		``: ports.ErrMalformed, `{`: ports.ErrMalformed, `{"first":1,"last":1,"events":[]}`: ports.ErrMalformed,
	} {
		if err := p.Handle(message.NewMessage("x", []byte(payload))); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", payload, err, want)
		}
	}
}
