package systemtest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/pro-sms/prosms/ports"
)

// Whatever a stranger puts into the queues, what we put there gets through, and what
// nobody can read is kept for whoever looks for it.
func TestPoisonInTheQueuesHoldsNothingUp(t *testing.T) {
	t.Parallel()
	rig := newRig(t, true, swift...)
	addr := freeAddr(t)
	gateway := rig.launch(addr)
	eventually(t, time.Minute, "ready", gateway.ready)
	texts := newTraffic(rig, addr)
	texts.send(rig.plain(50))

	conn, err := amqp.Dial(rig.value("RABBITMQ_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	prefix, unreadable := rig.value("PROSMS_RABBITMQ_PREFIX"), 0
	for _, queue := range []string{ports.DispatchTopic("high"), ports.DispatchTopic("normal"), ports.DispatchTopic("bulk"), ports.TopicEvents + ".projections", ports.TopicEvents + ".webhooks"} {
		for _, poison := range poisons() {
			_, work := ports.DecodeWork(poison)
			_, frame := ports.DecodeEvents(poison)
			if strings.HasPrefix(queue, ports.TopicDispatch) && work != nil || strings.HasPrefix(queue, ports.TopicEvents) && errors.Is(frame, ports.ErrMalformed) {
				unreadable++
			}
			err := channel.PublishWithContext(t.Context(), "", prefix+queue, true, false, amqp.Publishing{
				Headers: amqp.Table{"x-odd": int32(1), "x-death": []any{amqp.Table{"count": int64(3)}}}, Body: poison,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	texts.send(rig.plain(50))
	rig.verifyOnce(gateway, texts.finish(), 2*time.Minute)
	eventually(t, time.Minute, "set aside", func() bool {
		queue, err := channel.QueueDeclarePassive(prefix+ports.TopicUnreadable, true, false, false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		return queue.Messages >= unreadable
	})
	kept, ok, err := channel.Get(prefix+ports.TopicUnreadable, true)
	if err != nil || !ok || kept.Headers["set_aside_from"] != "sms.dispatch.high" {
		t.Errorf("the first that was set aside: %v, %v, from %v", ok, err, kept.Headers["set_aside_from"])
	}
	if said := rig.command("doctor"); !strings.Contains(said, "sms.dlq.unreadable") {
		t.Errorf("the doctor does not tell:\n%s", said)
	}
	gateway.stop()
}

// poisons are payloads that are no frames of ours, or not true ones.
func poisons() [][]byte {
	giant := bytes.Repeat([]byte("x"), 8<<20)
	return [][]byte{
		nil, []byte("null"), []byte("{}"), []byte(`{"work":[{}]}`), []byte(`{"work":[{"m":"msg_nobody","a":1}]}`),
		[]byte(`{"work":[{"m":"msg_nobody","a":-1},{"m":"","a":0}]}`), []byte(`{"first":1,"last":1,"events":[{"position":1}]}`),
		[]byte(`{"first":9000000,"last":9000000,"events":[{"position":9000000,"stream_id":"msg_x","version":1,"type":"message.none","schema":1,"data":{},"meta":{}}]}`),
		[]byte("\xff\xfe\x00"), giant, fmt.Appendf(nil, `{"work":[{"m":"%s","a":1}]}`, giant[:1<<20]),
	}
}
