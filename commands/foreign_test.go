package commands

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/pro-sms/prosms/domain"
)

func TestForeignFramesAreToldOfOnceAMinuteAndAlarmForFive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		counted := 0
		f := &Foreign{Count: func() { counted++ }, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := f.Err(); err != nil {
			t.Errorf("before any: %v", err)
		}
		for range 3 {
			f.Seen()
		}
		if n := strings.Count(log.String(), "PROSMS_RABBITMQ_PREFIX"); n != 1 || counted != 3 {
			t.Errorf("3 frames are told of in %d lines, and counted %d times", n, counted)
		}
		time.Sleep(4 * time.Minute)
		if err := f.Err(); !errors.Is(err, ErrForeign) {
			t.Errorf("after 4 minutes: %v", err)
		}
		f.Seen()
		if n := strings.Count(log.String(), "PROSMS_RABBITMQ_PREFIX"); n != 2 {
			t.Errorf("%d lines after another", n)
		}
		time.Sleep(6 * time.Minute)
		if err := f.Err(); err != nil {
			t.Errorf("6 minutes after the last: %v", err)
		}
	})
}

func TestWorkThatTheLogDoesNotKnowIsOfAnother(t *testing.T) {
	w := newWorld(t)
	work := w.accept(1)
	foreign := 0
	w.dispatcher.Foreign = func() { foreign++ }
	handle := w.dispatcher.Handler(domain.Normal)
	for payload, want := range map[string]int{
		`{"work":[{"m":"` + work[0].MessageID + `","a":1}]}`:               0,
		`{"work":[{"m":"msg_theirs","a":1},{"m":"msg_theirs_too","a":1}]}`: 1,
	} {
		foreign = 0
		if err := handle(message.NewMessage("x", []byte(payload))); err != nil || foreign != want {
			t.Errorf("%s: %v, %d foreign frames, want %d", payload, err, foreign, want)
		}
	}
	w.settled()
}
