package projections

import (
	"context"
	"fmt"

	"github.com/pro-sms/prosms/events"
)

// personal is a row with something in it that may be sealed.
type personal interface{ fields() []events.Field }

// unseal makes rows readable in place, all with one question.
func unseal[R any](ctx context.Context, q Queries, rows []R) error {
	if q.Unseal == nil {
		return nil
	}
	var fields []events.Field
	for i := range rows {
		if row, ok := any(&rows[i]).(personal); ok {
			fields = append(fields, row.fields()...)
		}
	}
	if err := q.Unseal(ctx, fields...); err != nil {
		return fmt.Errorf("unsealing %d rows: %w", len(rows), err)
	}
	return nil
}

func field(streamID, name string, value *string) events.Field {
	return events.Field{Stream: streamID, Name: name, Value: (*events.Personal)(value)}
}

func (m *Message) fields() []events.Field {
	return []events.Field{field(m.ID, "to", &m.To), field(m.ID, "from", &m.From), field(m.ID, "body", &m.Body)}
}

func (d *DeadLetter) fields() []events.Field { return d.Message.fields() }

func (o *OptOut) fields() []events.Field { return []events.Field{field(o.ID, "number", &o.Number)} }

func (i *Inbound) fields() []events.Field {
	return []events.Field{field(i.ID, "from", &i.From), field(i.ID, "to", &i.To), field(i.ID, "body", &i.Body)}
}
