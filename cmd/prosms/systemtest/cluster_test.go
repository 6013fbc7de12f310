package systemtest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/ports/porttest/servers"
)

// Of a cluster of three the node that leads the queues is killed while two gateways
// send, then, with PROSMS_TEST_LONG and when it is back, the next that leads. Two of three go on, so texts go
// out all the time.
func TestAClusterThatLosesItsLeadersLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	kills := 1
	if long() {
		kills = 2
	}
	cluster := servers.PrivateRabbitMQCluster(t, 3)
	rig := newRigOn(t, slices.Concat(swift, []string{
		"DATABASE_URL=" + servers.Postgres(t), "RABBITMQ_URL=" + clusterURL(t, cluster), "REDIS_URL=" + servers.Redis(t),
	})...)
	gateways, clients := rig.pair()
	expectCopies(t, cluster[0], len(cluster))

	stop := steadily(clients, 4, 100*time.Millisecond)
	for range kills {
		n, leads, queues := leader(t, cluster)
		survivor := cluster[(n+1)%len(cluster)]
		before := len(rig.ledger())
		eventually(t, 20*time.Second, "sending", func() bool { return len(rig.ledger()) > before+100 })
		cluster[n].Kill()
		killed := time.Now()
		for i, client := range clients {
			client.expectSent(t, gateways[i], "the node with the leaders was killed", time.Minute)
		}
		t.Logf("node %d, which led %d of %d queues, was killed: texts were taken on and sent by both gateways within %s",
			n, leads, queues, time.Since(killed).Round(10*time.Millisecond))
		before = len(rig.ledger())
		eventually(t, 20*time.Second, "sending with two nodes of three", func() bool { return len(rig.ledger()) > before+100 })
		cluster[n].Start()
		expectCopies(t, survivor, len(cluster))
	}
	texts := stop()
	ids := finish(clients)
	if len(ids) < texts {
		t.Errorf("%d texts were sent, %d answered for", texts, len(ids))
	}
	rig.verifyOnce(gateways[0], ids, 2*time.Minute)
	t.Logf("%d texts were answered for; the provider took on %d; they ended as %v", len(ids), len(rig.ledger()), rig.ends(gateways[0]))
	for _, gateway := range gateways {
		gateway.stop()
	}
}

// clusterURL names all nodes in one URL.
func clusterURL(t *testing.T, cluster []servers.Broker) string {
	var hosts []string
	for _, node := range cluster {
		hosts = append(hosts, hostOf(t, node.URL))
	}
	return "amqp://guest:guest@" + strings.Join(hosts, ",") + "/"
}

// queueAt is a quorum queue as rabbitmqctl lists it.
type queueAt struct {
	Name   string
	Leader string
	Online []string
}

func queuesAt(t *testing.T, node servers.Broker) []queueAt {
	t.Helper()
	var queues []queueAt
	printed := node.Ctl("--quiet", "list_queues", "--formatter", "json", "name", "leader", "online")
	if err := json.Unmarshal([]byte(printed), &queues); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	return queues
}

// leader returns the node that leads most queues, and how many of all these are.
func leader(t *testing.T, cluster []servers.Broker) (n, leads, queues int) {
	t.Helper()
	led := make([]int, len(cluster))
	all := queuesAt(t, cluster[0])
	for _, queue := range all {
		led[slices.IndexFunc(cluster, func(b servers.Broker) bool { return b.Node == queue.Leader })]++
	}
	leads = slices.Max(led)
	return slices.Index(led, leads), leads, len(all)
}

// expectCopies waits until every queue has n members that are there.
func expectCopies(t *testing.T, node servers.Broker, n int) {
	t.Helper()
	eventually(t, 30*time.Second, "on every node", func() bool {
		queues := queuesAt(t, node)
		return len(queues) > 0 && !slices.ContainsFunc(queues, func(q queueAt) bool { return len(q.Online) < n })
	})
}
