package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// ErrNotFound says that there is no such thing, or that it is another tenant's.
var ErrNotFound = errors.New("not found")

// Queries answers questions about messages and keys. What is asked by id is
// folded from the log and never stale; lists come from views and may lag a moment.
type Queries struct {
	Store ports.EventStore
	Views ports.Views
	// Unseal makes what rows hold sealed readable, or events.Erased; nil: it is shown
	// as it is. What is asked by id Store has to unseal.
	Unseal func(ctx context.Context, fields ...events.Field) error
	// Stored is Store where what is personal stands as it is stored: what is searched
	// event by event is read there, and what was found is made readable by Open, in
	// place. Open may return an error that wraps events.ErrUnreadable beside what it
	// could. Nil, both: Store is searched.
	Stored ports.EventStore
	Open   func(ctx context.Context, found []events.Recorded) error
	// TestOnly makes everything that no test key has begun not exist. Its lists
	// come from a search of bounded length: a page may be short, even empty,
	// although another follows.
	TestOnly bool
}

// AsStored returns the store in which what is personal stands as it is stored.
func (q Queries) AsStored() ports.EventStore {
	if q.Stored == nil {
		return q.Store
	}
	return q.Stored
}

// Message returns a tenant's message as of now.
func (q Queries) Message(ctx context.Context, tenant, id string) (Message, error) {
	recorded, err := q.Timeline(ctx, tenant, id)
	if err != nil {
		return Message{}, err
	}
	return Of[Message](recorded), nil
}

// Timeline returns the events of a tenant's message, oldest first. The error is a
// ports.Archived where an archive has them, and wraps events.ErrUnreadable where one of
// them cannot be read.
func (q Queries) Timeline(ctx context.Context, tenant, id string) ([]events.Recorded, error) {
	if tenant == "" {
		return nil, ErrNotFound // who may see any tenant's has Oversight
	}
	recorded, err := q.stream(ctx, tenant, id, "message.accepted")
	if err != nil {
		return nil, err
	}
	return recorded, q.whole(ctx, recorded)
}

// stream returns the events of a stream that begins with an event of type first, and
// is a tenant's; empty: any tenant's. Others' do not exist, whether or not they can be
// read.
func (q Queries) stream(ctx context.Context, tenant, id, first string) ([]events.Recorded, error) {
	recorded, err := q.Store.Load(ctx, id)
	if err == nil || errors.Is(err, events.ErrUnreadable) {
		if len(recorded) == 0 || recorded[0].Type != first || tenant != "" && !belongs(recorded, tenant) || !q.shows(recorded[0]) {
			return nil, ErrNotFound
		}
	}
	if err != nil {
		return nil, fmt.Errorf("loading stream %s: %w", id, err)
	}
	return recorded, nil
}

// belongs reports whether a stream is a tenant's. One in which nothing tells whose it
// is, as no meta can be read, is anybody's who knows its id: there is nothing to see.
func belongs(recorded []events.Recorded, tenant string) bool {
	for _, e := range recorded {
		if e.Unreadable() == nil || e.Meta.Tenant != "" {
			return e.Meta.Tenant == tenant
		}
	}
	return true
}

// whole returns a ports.Archived where payloads of a stream are elsewhere.
func (q Queries) whole(ctx context.Context, recorded []events.Recorded) error {
	for _, e := range recorded {
		if e.Detached() {
			return ports.WhereDetached(ctx, q.Store, e.Position)
		}
	}
	return nil
}

// MessageFilter selects messages of one tenant, newest first. Zero fields select all.
type MessageFilter struct {
	Tenant        string
	Status        string
	Lane          string
	Consent       string // the recipient, as the stream of its consent
	Reference     string
	CreatedAfter  time.Time // inclusive
	CreatedBefore time.Time // exclusive
	Limit         int
	After         *ports.Cursor

	ProviderMessageID string
	Error             string // code of the last failure, or its class where it has none
}

// Messages returns a page and the cursor of the next one, nil after the last.
func (q Queries) Messages(ctx context.Context, f MessageFilter) ([]Message, *ports.Cursor, error) {
	where := []ports.Condition{{Column: "tenant", Op: ports.Equal, Value: f.Tenant}}
	for column, value := range map[string]string{
		"status": f.Status, "lane": f.Lane, "recipient": f.Consent, "reference": f.Reference,
		"provider_message_id": f.ProviderMessageID, "error": f.Error,
	} {
		if value != "" {
			where = append(where, ports.Condition{Column: column, Op: ports.Equal, Value: value})
		}
	}
	if !f.CreatedAfter.IsZero() {
		where = append(where, ports.Condition{Column: "created_at", Op: ports.AtLeast, Value: f.CreatedAfter.UTC()})
	}
	if !f.CreatedBefore.IsZero() {
		where = append(where, ports.Condition{Column: "created_at", Op: ports.Before, Value: f.CreatedBefore.UTC()})
	}
	return page(ctx, q, messagesView, ports.Query{Where: where, OrderBy: "created_at", Desc: true, After: f.After, Limit: f.Limit},
		func(m Message) (bool, ports.Cursor) { return m.Test, ports.Cursor{Key: m.CreatedAt, ID: m.ID} })
}

// Due returns the ids of messages of a status, and of a lane unless that is empty,
// which the scheduler has to see to by a time, the longest waiting first, after a
// place; and the last one's.
func (q Queries) Due(ctx context.Context, status, lane string, by time.Time, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error) {
	where := []ports.Condition{
		{Column: "status", Op: ports.Equal, Value: status},
		{Column: "due_at", Op: ports.AtMost, Value: by.UTC()},
	}
	if lane != "" {
		where = append(where, ports.Condition{Column: "lane", Op: ports.Equal, Value: lane})
	}
	rows, err := q.Views.Find(ctx, messagesView, ports.Query{Where: where, OrderBy: "due_at", After: after, Limit: limit})
	if err != nil {
		return nil, nil, fmt.Errorf("searching due messages: %w", err)
	}
	if len(rows) == 0 {
		return []string{}, nil, nil
	}
	last := rows[len(rows)-1]
	return idsOf(rows), &ports.Cursor{Key: last.Keys[slices.Index(messagesView.Columns, "due_at")], ID: last.ID}, nil
}

// Dispatched returns the ids of messages that were dispatched by a time and have
// got no receipt since, the earliest first, after a place; and the last one's.
func (q Queries) Dispatched(ctx context.Context, after *ports.Cursor, by time.Time, limit int) ([]string, *ports.Cursor, error) {
	messages, err := find[Message](ctx, q.Views, messagesView, ports.Query{
		Where: []ports.Condition{
			{Column: "status", Op: ports.Equal, Value: "dispatched"},
			{Column: "due_at", Op: ports.AtMost, Value: by.UTC()},
		},
		OrderBy: "due_at", After: after, Limit: limit,
	})
	if err != nil || len(messages) == 0 {
		return nil, after, err
	}
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.ID
	}
	last := messages[len(messages)-1]
	return ids, &ports.Cursor{Key: last.Since, ID: last.ID}, nil
}

// Bound reports whether a provider's message is known to be that of a message.
func (q Queries) Bound(ctx context.Context, providerMessageID string) (bool, error) {
	rows, err := q.Views.Find(ctx, messagesView, ports.Query{
		Where:   []ports.Condition{{Column: "provider_message_id", Op: ports.Equal, Value: providerMessageID}},
		OrderBy: "created_at", Limit: 1,
	})
	if err != nil {
		return false, fmt.Errorf("searching provider message: %w", err)
	}
	return len(rows) > 0, nil
}

// SentAs returns the id of any tenant's message that a provider has taken on under an
// id of its own, as far as the view knows; empty: of none, or of several. An empty
// provider is any.
func (q Queries) SentAs(ctx context.Context, provider, providerMessageID string) (string, error) {
	found, err := find[Message](ctx, q.Views, messagesView, ports.Query{
		Where:   []ports.Condition{{Column: "provider_message_id", Op: ports.Equal, Value: providerMessageID}},
		OrderBy: "created_at", Desc: true, Limit: 2,
	})
	if err != nil || len(found) != 1 || provider != "" && found[0].Provider != provider {
		return "", err
	}
	return found[0].ID, nil
}

// UnderWay returns the ids of messages to a recipient, by the stream of its
// consent, whose attempt is under way.
func (q Queries) UnderWay(ctx context.Context, tenant, consent string) ([]string, error) {
	rows, err := q.Views.Find(ctx, messagesView, ports.Query{
		Where: []ports.Condition{
			{Column: "tenant", Op: ports.Equal, Value: tenant},
			{Column: "recipient", Op: ports.Equal, Value: consent},
			{Column: "status", Op: ports.Equal, Value: "dispatching"},
		},
		OrderBy: "created_at", Desc: true, Limit: 100,
	})
	if err != nil {
		return nil, fmt.Errorf("searching what is under way: %w", err)
	}
	return idsOf(rows), nil
}

// SentTo returns ids of a tenant's messages to a recipient (by the stream of the
// consent), the earliest first, after a place; and the place of the last.
func (q Queries) SentTo(ctx context.Context, tenant, consent string, after *ports.Cursor, limit int) ([]string, *ports.Cursor, error) {
	rows, err := q.Views.Find(ctx, messagesView, ports.Query{
		Where: []ports.Condition{
			{Column: "tenant", Op: ports.Equal, Value: tenant},
			{Column: "recipient", Op: ports.Equal, Value: consent},
		},
		OrderBy: "created_at", After: after, Limit: limit,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("searching what was sent to a recipient: %w", err)
	}
	if len(rows) == 0 {
		return nil, after, nil
	}
	last := rows[len(rows)-1]
	return idsOf(rows), &ports.Cursor{Key: last.Keys[slices.Index(messagesView.Columns, "created_at")], ID: last.ID}, nil
}

func idsOf(rows []ports.Row) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

// CountByStatus returns how many messages stand in each status. It looks at all.
func (q Queries) CountByStatus(ctx context.Context) (map[string]int64, error) {
	return q.Views.Count(ctx, messagesView, "status")
}

// Waiting returns by lane how many messages could be claimed by now.
func (q Queries) Waiting(ctx context.Context, now time.Time) (map[string]int64, error) {
	waiting := map[string]int64{}
	for _, status := range []string{"accepted", "scheduled", "retrying"} {
		lanes, err := q.dueByLane(ctx, status, now)
		if err != nil {
			return nil, err
		}
		for lane, n := range lanes {
			waiting[lane] += n
		}
	}
	return waiting, nil
}

// InDoubt returns of how many messages it is unknown by now whether they were sent.
func (q Queries) InDoubt(ctx context.Context, now time.Time) (n int64, err error) {
	lanes, err := q.dueByLane(ctx, "in_doubt", now)
	for _, inLane := range lanes {
		n += inLane
	}
	return n, err
}

// dueByLane counts by the index on status and due_at, in which no other stands.
func (q Queries) dueByLane(ctx context.Context, status string, by time.Time) (map[string]int64, error) {
	lanes, err := q.Views.Count(ctx, messagesView, "lane",
		ports.Condition{Column: "status", Op: ports.Equal, Value: status},
		ports.Condition{Column: "due_at", Op: ports.AtMost, Value: by.UTC()})
	if err != nil {
		return nil, fmt.Errorf("counting messages %s: %w", status, err)
	}
	return lanes, nil
}

// Keys returns a page of a tenant's keys, newest first; of all tenants where
// tenant is empty.
func (q Queries) Keys(ctx context.Context, tenant string, limit int, after *ports.Cursor) ([]Key, *ports.Cursor, error) {
	var where []ports.Condition
	if tenant != "" {
		where = append(where, ports.Condition{Column: "tenant", Op: ports.Equal, Value: tenant})
	}
	return page(ctx, q, keysView, ports.Query{Where: where, OrderBy: "created_at", Desc: true, After: after, Limit: limit},
		func(k Key) (bool, ports.Cursor) { return k.Test, ports.Cursor{Key: k.CreatedAt, ID: "key_" + k.ID} })
}

func find[R any](ctx context.Context, views ports.Views, view ports.View, query ports.Query) ([]R, error) {
	rows, err := views.Find(ctx, view, query)
	if err != nil {
		return nil, fmt.Errorf("searching %s: %w", view.Name, err)
	}
	found := make([]R, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row.Doc, &found[i]); err != nil {
			return nil, fmt.Errorf("reading row %s of %s: malformed", row.ID, view.Name)
		}
	}
	return found, nil
}
