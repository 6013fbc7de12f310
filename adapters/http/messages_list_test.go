package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"
)

// ids returns the ids of a page.
func (a answer) ids(t *testing.T) []string {
	t.Helper()
	var ids []string
	for _, m := range a.decode(t)["data"].([]any) {
		ids = append(ids, m.(map[string]any)["id"].(string))
	}
	return ids
}

func TestMessagesAreListedNewestFirstPageByPage(t *testing.T) {
	w := newWorld(t)
	var want []string
	for range 7 {
		want = append(want, w.accept(text()))
	}
	w.catchUp()
	slices.Reverse(want)
	var got []string
	cursor := ""
	for pages := 1; ; pages++ {
		a := w.do("GET", "/v1/messages?limit=3"+cursor, "")
		page := a.ids(t)
		got = append(got, page...)
		next, more := a.decode(t)["next_cursor"].(string)
		if !more {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		if len(page) != 3 {
			t.Fatalf("a page of %d with a next one", len(page))
		}
		cursor = "&cursor=" + url.QueryEscape(next)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

func TestFiltersSelect(t *testing.T) {
	w := newWorld(t)
	start := time.Now().UTC()
	high := w.accept(text(`"lane":"high"`))
	referenced := w.accept(text(`"reference":"order 7"`))
	other := w.accept(`{"to":"` + another + `","body":"x"}`)
	scheduled := w.accept(text(`"send_at":"` + start.Add(time.Hour).Format(time.RFC3339) + `"`))
	all := []string{scheduled, other, referenced, high}
	w.catchUp()
	past, future := start.Add(-time.Hour).Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339)
	offset := url.QueryEscape(start.Add(-time.Hour).In(time.FixedZone("", 7200)).Format(time.RFC3339))
	for query, want := range map[string][]string{
		"":                              all,
		"lane=high":                     {high},
		"status=scheduled":              {scheduled},
		"reference=order+7":             {referenced},
		"to=%2B14155552672":             {other},
		"to=+14155552672":               {other}, // the plus unescaped, as people write it
		"to=%2B1%20(415)%20555-2672":    {other},
		"created_after=" + past:         all,
		"created_after=" + offset:       all,
		"created_after=" + future:       nil,
		"created_before=" + past:        nil,
		"created_before=" + future:      all,
		"lane=normal&to=%2B14155552671": {scheduled, referenced},
		"status=delivered":              nil,
	} {
		if got := w.do("GET", "/v1/messages?"+query, "").ids(t); !slices.Equal(got, want) {
			t.Errorf("%q selects %v, want %v", query, got, want)
		}
	}
}

func TestACursorThatWasTamperedWithIsRefused(t *testing.T) {
	w := newWorld(t)
	w.accept(text())
	w.accept(text())
	w.catchUp()
	cursor, _ := w.do("GET", "/v1/messages?limit=1", "").decode(t)["next_cursor"].(string)
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := slices.Clone(raw)
		changed[i] ^= 1
		a := w.do("GET", "/v1/messages?cursor="+base64.RawURLEncoding.EncodeToString(changed), "")
		if a.status != http.StatusBadRequest || a.problem(t).Code != "invalid_cursor" {
			t.Fatalf("byte %d changed: %d", i, a.status)
		}
	}
	if a := w.do("GET", "/v1/keys?cursor="+cursor, ""); a.status != http.StatusBadRequest {
		t.Errorf("as a cursor of keys it is answered %d", a.status)
	}
}
