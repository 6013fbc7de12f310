package systemtest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	goredis "github.com/redis/go-redis/v9"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// Each server in turn is stopped, killed, paused, alarmed or emptied while texts
// are taken on and sent. After each fault the gateway recovers by itself, and at
// the end nothing is lost or doubled.
func TestServersThatFailCostTimeAndNothingElse(t *testing.T) {
	t.Parallel()
	store, broker, cache := servers.PrivatePostgres(t), servers.PrivateRabbitMQ(t), servers.PrivateRedis(t)
	rig := newRigOn(t, slices.Concat(swift, []string{
		"DATABASE_URL=" + store.URL, "RABBITMQ_URL=" + broker.URL, "REDIS_URL=" + cache.URL,
	})...)
	rig.replace("PROSMS_RATE_PER_KEY", "100000")
	addr := freeAddr(t)
	gateway := rig.launch(addr)
	eventually(t, time.Minute, "ready", gateway.ready)
	texts := newTraffic(rig, addr)

	for _, fault := range []struct {
		name   string
		intake bool // goes on meanwhile
		begin  func()
		end    func()
	}{
		{"the broker is stopped", true, broker.Stop, broker.Start},
		{"the broker is killed", true, broker.Kill, broker.Start},
		{"the broker raises an alarm", true,
			func() { broker.Ctl("set_vm_memory_high_watermark", "0.0000001") },
			func() { broker.Ctl("set_vm_memory_high_watermark", "0.4") }},
		{"the queues are deleted", true, func() { deleteQueues(t, broker.URL) }, func() {}},
		{"the store is killed", false, store.Kill, store.Start},
		{"the store is paused", false, store.Pause, store.Resume},
		{"the cache is emptied", true, func() { emptyCache(t, cache.URL) }, func() {}},
		{"the cache is killed", true, cache.Kill, cache.Start},
		{"the cache is paused", true, cache.Pause, cache.Resume},
	} {
		t.Log(fault.name)
		for range 5 {
			texts.send(rig.plain(20))
		}
		fault.begin()
		for range 5 {
			texts.send(rig.plain(20))
		}
		if fault.intake {
			texts.expectTakenOn(t, fault.name)
		} else {
			texts.expectRefused(t, fault.name)
		}
		fault.end()
		mended := time.Now()
		texts.expectSent(t, gateway, fault.name, 90*time.Second)
		t.Logf("texts went out again %s after it was over", time.Since(mended).Round(10*time.Millisecond))
	}
	rig.verifyOnce(gateway, texts.finish(), 2*time.Minute)
	gateway.stop()
}

// expectTakenOn sends a text, which has to be accepted at once.
func (s *traffic) expectTakenOn(t *testing.T, when string) {
	t.Helper()
	key, text, asked := s.key(), s.rig.plain(1), time.Now()
	ids, status, err := s.try(key, text)
	if ids == nil || err != nil || time.Since(asked) > 10*time.Second {
		t.Errorf("while %s a text was answered with %d after %s, %v", when, status, time.Since(asked), err)
	}
	s.sendAs(key, text) // again, to have it counted
}

// expectRefused sends a text, which has to be refused within the time that an
// append may take.
func (s *traffic) expectRefused(t *testing.T, when string) {
	t.Helper()
	key, text, asked := s.key(), s.rig.plain(1), time.Now()
	ids, status, err := s.try(key, text)
	if ids != nil || status != http.StatusServiceUnavailable || time.Since(asked) > 20*time.Second {
		t.Errorf("while %s a text was answered with %d after %s, %v", when, status, time.Since(asked), err)
	}
	s.sendAs(key, text) // its outcome is unknown until it is answered
}

// expectSent sends a text until it is accepted, and then it has to go out.
func (s *traffic) expectSent(t *testing.T, i *instance, when string, limit time.Duration) {
	t.Helper()
	key, text := s.key(), s.rig.plain(1)
	var ids []string
	eventually(t, limit, "accepting, after "+when, func() bool { ids, _, _ = s.try(key, text); return ids != nil })
	s.sendAs(key, text)
	eventually(t, limit, "sending, after "+when, func() bool {
		var answer struct{ Status string }
		status, err := i.call("GET", "/v1/messages/"+ids[0], nil, &answer)
		return err == nil && status == http.StatusOK && slices.Contains([]string{"dispatched", "delivered"}, answer.Status)
	})
}

// deleteQueues deletes what a stranger could: every queue of work and of events.
func deleteQueues(t *testing.T, address string) {
	t.Helper()
	conn, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{ports.TopicEvents + ".projections", ports.TopicEvents + ".webhooks"}
	for _, lane := range domain.Lanes {
		names = append(names, ports.DispatchTopic(lane))
	}
	for _, name := range names {
		if _, err := channel.QueueDelete(name, false, false, false); err != nil {
			t.Fatal(err)
		}
	}
}

func emptyCache(t *testing.T, address string) {
	t.Helper()
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}
