package systemtest

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/ports/porttest/servers"
	"github.com/pro-sms/prosms/projections"
)

// BenchmarkAudit is a page of what operators did, while the newest 10,000 events are
// texts to as many people: with their keys in memory, and as the first after a start.
func BenchmarkAudit(b *testing.B) {
	pg := servers.Postgres(b)
	if err := postgres.Migrate(b.Context(), pg); err != nil {
		b.Fatal(err)
	}
	for name, url := range map[string]string{"postgres": pg, "sqlite": "sqlite://" + filepath.Join(b.TempDir(), "prosms.db")} {
		b.Run(name, func(b *testing.B) {
			alone(b, url, func(st stores) {
				sealer := func() *commands.Sealer {
					return &commands.Sealer{EventStore: st.events, Keyring: st.keyring, Lookup: commands.Lookup("0123456789abcdef0123456789abcdef")}
				}
				textMany(b, sealer())
				for name, fresh := range map[string]bool{"keys in memory": false, "after a start": true} {
					store := sealer()
					b.Run(name, func(b *testing.B) {
						for b.Loop() {
							if fresh {
								store = sealer()
							}
							o := overseeing(st, store)
							page, err := o.Latest(b.Context(), projections.EventFilter{Actor: "operator", Limit: 100}, 10_001)
							if err != nil || len(page.Events) != 0 || page.Seen != 1 {
								b.Fatalf("%d events down to %d, %v", len(page.Events), page.Seen, err)
							}
						}
					})
				}
			})
		})
	}
}

func overseeing(st stores, store *commands.Sealer) projections.Oversight {
	return projections.Oversight{Queries: projections.Queries{Store: store, Views: st.views, Unseal: store.Unseal, Stored: st.events, Open: store.Open}}
}

// textMany accepts a text to each of 10,000 people, where there are none.
func textMany(b *testing.B, store ports.EventStore) {
	b.Helper()
	if head, err := store.Head(b.Context()); err != nil || head.LastPosition > 0 {
		return
	}
	for part := range 20 {
		writes := make([]ports.Write, 500)
		for i := range writes {
			n := part*len(writes) + i
			writes[i] = ports.Write{StreamID: fmt.Sprintf("msg_%032x", n), Meta: events.Meta{Tenant: "acme", Actor: "key:bench"}, Events: []events.Event{
				events.MessageAccepted{To: events.Personal(fmt.Sprintf("+1415%07d", n)), From: "+15005550006", Body: "Your code is 123456.", Encoding: "GSM-7", Segments: 1, Lane: "normal"},
			}}
		}
		results, err := store.Append(b.Context(), writes...)
		for _, r := range results {
			if err != nil || r.Err != nil {
				b.Fatal(err, r.Err)
			}
		}
	}
}
