package systemtest

import (
	"strings"
	"testing"
	"time"
)

func TestTheLogIsFollowedBesideAGatewayWithoutAnythingPersonal(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			gateway := rig.start()
			ids, err := gateway.sendBatch(1)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, 20*time.Second, "delivered", func() bool { return gateway.statusOf(ids[0]) == "delivered" })
			for _, args := range [][]string{{"tail", "--once"}, {"tail", "--once", "--json", "--type=message"}} {
				said := rig.command(args...)
				for _, want := range []string{"message.accepted", "message.attempted", "message.delivered", ids[0]} {
					if !strings.Contains(said, want) {
						t.Errorf("prosms %s does not show %s:\n%s", strings.Join(args, " "), want, said)
					}
				}
				if strings.Contains(said, "+1415") || strings.Contains(said, "text 1") {
					t.Errorf("prosms %s shows a number or a body", strings.Join(args, " "))
				}
				if filtered := len(args) > 2; filtered == strings.Contains(said, "key.issued") {
					t.Errorf("prosms %s: the filter is wrong:\n%s", strings.Join(args, " "), said)
				}
			}
			gateway.stop()
		})
	}
}
