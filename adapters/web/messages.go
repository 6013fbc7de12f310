package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// pageSize is how many rows a page of a list has.
const pageSize = 50

// formTime is how browsers write date and time in a form; UTC here.
const formTime = "2006-01-02T15:04"

// search is the filter form of the list, as it stands in the URL.
type search struct {
	Q, Status, Lane, Tenant, Error, Since, Until string

	filter  projections.MessageFilter
	consent func(tenant string) string // of the number that Q is; nil: it is none
	Kind    string                     // what Q was taken for
}

// Any reports whether anything is filtered.
func (s search) Any() bool {
	return s.Q+s.Status+s.Lane+s.Tenant+s.Error+s.Since+s.Until != ""
}

// Values returns the search as a query.
func (s search) Values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"q": s.Q, "status": s.Status, "lane": s.Lane, "tenant": s.Tenant, "error": s.Error, "since": s.Since, "until": s.Until,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// messagesData is the list.
type messagesData struct {
	Search   search
	Statuses []domain.Status
	Lanes    []domain.Lane
	Tenants  []string
	Messages []projections.Message
	Next     string // URL of the next page
	Export   string
	APIURL   string
}

func (u *ui) messages(w http.ResponseWriter, r *http.Request, v visit) error {
	s, err := u.readSearch(r.URL.Query())
	if err != nil {
		return err
	}
	if strings.HasPrefix(s.Q, "msg_") {
		http.Redirect(w, r, "/messages/"+url.PathEscape(s.Q), http.StatusSeeOther)
		return nil
	}
	tenants, err := u.Oversight.Tenants(r.Context())
	if err != nil {
		return err
	}
	s.filter.Limit = pageSize
	found, next, err := u.find(r.Context(), s)
	if err != nil {
		return err
	}
	d := messagesData{
		Search: s, Statuses: domain.Statuses, Lanes: domain.Lanes, Tenants: tenants, Messages: found,
		Export: "/messages.csv?" + s.Values().Encode(), APIURL: u.APIURL,
	}
	if next != nil {
		q := s.Values()
		q.Set("after", writeCursor(next))
		d.Next = "/messages?" + q.Encode()
	}
	return u.show(w, r, v, "messages", page{Title: "Messages", Nav: "/messages", Data: d})
}

func (u *ui) find(ctx context.Context, s search) ([]projections.Message, *ports.Cursor, error) {
	return u.Oversight.Messages(ctx, s.filter, s.consent)
}

var (
	providerID = regexp.MustCompile(`^(SM|MM)[0-9a-f]{32}$`)
	looksDial  = regexp.MustCompile(`^\+?[0-9 ().-]{5,}$`)
)

// readSearch reads the form. What somebody searches for may be an id, a provider's
// id, a number, or else it is a reference.
func (u *ui) readSearch(q url.Values) (search, error) {
	s := search{
		Q: strings.TrimSpace(q.Get("q")), Status: q.Get("status"), Lane: q.Get("lane"), Tenant: q.Get("tenant"),
		Error: strings.ReplaceAll(strings.TrimSpace(q.Get("error")), " ", "_"), // a class is shown without underscores
		Since: q.Get("since"), Until: q.Get("until"),
	}
	s.filter = projections.MessageFilter{Tenant: s.Tenant, Status: s.Status, Lane: s.Lane, Error: s.Error}
	if s.Status != "" && !slices.Contains(domain.Statuses, domain.Status(s.Status)) ||
		s.Lane != "" && !slices.Contains(domain.Lanes, domain.Lane(s.Lane)) || len(s.Q) > 200 || len(s.Error) > 200 {
		return s, errBadQuery
	}
	for _, t := range []struct {
		value  string
		target *time.Time
	}{{s.Since, &s.filter.CreatedAfter}, {s.Until, &s.filter.CreatedBefore}} {
		if t.value == "" {
			continue
		}
		at, err := time.Parse(formTime, t.value)
		if err != nil {
			return s, errBadQuery
		}
		*t.target = at
	}
	if after := q.Get("after"); after != "" {
		cursor, ok := readCursor(after)
		if !ok {
			return s, errBadQuery
		}
		s.filter.After = cursor
	}
	switch {
	case s.Q == "" || strings.HasPrefix(s.Q, "msg_"):
	case providerID.MatchString(s.Q):
		s.Kind, s.filter.ProviderMessageID = "provider id", s.Q
	case looksDial.MatchString(s.Q):
		if number, err := phone.Parse(s.Q, u.Commands.Region); err == nil {
			s.Kind = "number" // which is in no index: its streams of consent are
			s.consent = func(tenant string) string { return u.Commands.Lookup.ConsentStream(tenant, events.Personal(number)) }
			break
		}
		fallthrough
	default:
		s.Kind, s.filter.Reference = "reference", s.Q
	}
	return s, nil
}

func writeCursor(c *ports.Cursor) string {
	at, _ := c.Key.(time.Time)
	return fmt.Sprintf("%d.%s", at.UnixMicro(), c.ID)
}

func readCursor(text string) (*ports.Cursor, bool) {
	at, id, ok := strings.Cut(text, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || id == "" || len(text) > 200 {
		return nil, false
	}
	return &ports.Cursor{Key: time.UnixMicro(micros).UTC(), ID: id}, true
}
