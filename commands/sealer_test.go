package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// newSealer returns another instance's view of a store.
func newSealer(store *memory.EventStore) *Sealer {
	return &Sealer{EventStore: store, Keyring: store.Keyring(), Lookup: Lookup("0123456789abcdef0123456789abcdef"), Master: Master{Present: bytes.Repeat([]byte{7}, 32)}}
}

func instance(store *memory.EventStore) *Handler {
	s := newSealer(store)
	return &Handler{Store: s, Sealer: s, Lookup: s.Lookup}
}

// wantText checks that a message reads as it was sent.
func wantText(t *testing.T, store ports.EventStore, id, to, from, body string) {
	t.Helper()
	recorded, err := store.Load(t.Context(), id)
	if err != nil || len(recorded) == 0 {
		t.Fatalf("loading %s: %d events, %v", id, len(recorded), err)
	}
	text := recorded[0].Data.(events.MessageAccepted)
	if string(text.To) != to || string(text.From) != from || string(text.Body) != body {
		t.Errorf("%s reads to %q, from %q, %q; want to %q, from %q, %q", id, string(text.To), string(text.From), string(text.Body), to, from, body)
	}
	decoded, err := events.Decode(recorded[0].Type, recorded[0].Schema, recorded[0].RawData)
	if err != nil || fmt.Sprintf("%#v", decoded) != fmt.Sprintf("%#v", recorded[0].Data) {
		t.Errorf("%s: its raw data says %s, %v", id, recorded[0].RawData, err)
	}
}

func TestWhatIsPersonalIsSealedInTheStoreAndPlainToItsUsers(t *testing.T) {
	store := &memory.EventStore{}
	h := instance(store)
	sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", From: "+15005550006", Body: "Your code is 424242 “”"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.ReceiveText(t.Context(), Inbound{Provider: "twilio", Text: events.InboundReceived{
		From: "+14155552671", To: "+15005550006", Body: "STOP", ProviderMessageID: "SM1",
	}}); err != nil {
		t.Fatal(err)
	}
	log, err := store.Read(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	sealed := 0
	for _, e := range log {
		for _, secret := range []string{"4155552671", "5005550006", "424242"} {
			if bytes.Contains(e.RawData, []byte(secret)) {
				t.Errorf("position %d holds %s: %s", e.Position, secret, e.RawData)
			}
		}
		fields, _ := events.Fields(e.StreamID, e.Data)
		for _, f := range fields {
			if !f.Value.Sealed() {
				t.Errorf("%s of position %d is not sealed", f.Name, e.Position)
			}
			sealed++
		}
	}
	if sealed < 7 {
		t.Errorf("%d sealed values in %d events", sealed, len(log))
	}
	for _, reader := range []*Handler{h, instance(store)} {
		wantText(t, reader.Store, sent.ID, "+14155552671", "+15005550006", "Your code is 424242 “”")
		out, err := reader.OptedOut(t.Context(), "acme", "+14155552671")
		if err != nil || !out {
			t.Errorf("opted out: %t, %v", out, err)
		}
	}
}

func TestAnInstanceThatKnowsNoKeySealsUnderTheOneThatIsKept(t *testing.T) {
	store := &memory.EventStore{}
	first, second := instance(store), instance(store)
	var ids []string
	for i, h := range []*Handler{first, second, first, second} {
		sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: fmt.Sprint("text ", i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, sent.ID)
	}
	for i, id := range ids {
		wantText(t, instance(store).Store, id, "+14155552671", "", fmt.Sprint("text ", i))
	}
	names, err := store.Keyring().Names(t.Context(), subjectPrefix, "", 10)
	if err != nil || len(names) != 1 {
		t.Errorf("keys %q, %v; want one for the one subject", names, err)
	}
}

func TestManyInstancesSealForTheSamePeopleAtOnce(t *testing.T) {
	store := &memory.EventStore{}
	var mu sync.Mutex
	sent := map[string]string{}
	var senders sync.WaitGroup
	for n := range 8 {
		h := instance(store)
		h.Store.(*Sealer).Cached = 2 // so that keys fall out of memory as well
		senders.Go(func() {
			for i := range 40 {
				to := fmt.Sprint("+1415555267", i%5)
				body := fmt.Sprint("text ", i, " of ", n)
				results, err := h.SendBatch(t.Context(), caller, []Send{{To: to, Body: body}, {To: to, Body: body}})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, r := range results {
					if r.Err != nil {
						t.Error(r.Err)
					}
					sent[r.Sent.ID] = to + " " + body
				}
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	if len(sent) != 640 {
		t.Errorf("%d texts, want 640", len(sent))
	}
	reader := instance(store)
	for id, text := range sent {
		to, body, _ := strings.Cut(text, " ")
		wantText(t, reader.Store, id, to, "", body)
	}
}

func TestASealedValueOpensNowhereElse(t *testing.T) {
	store := &memory.EventStore{}
	s := newSealer(store)
	h := &Handler{Store: s, Lookup: s.Lookup}
	sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := store.Load(t.Context(), sent.ID)
	if err != nil {
		t.Fatal(err)
	}
	text := recorded[0].Data.(events.MessageAccepted)
	to, moved, misnamed := text.To, text.To, text.To
	if err := s.Unseal(t.Context(), events.Field{Stream: sent.ID, Name: "to", Value: &to},
		events.Field{Stream: "msg_other", Name: "to", Value: &moved}, events.Field{Stream: sent.ID, Name: "from", Value: &misnamed}); err != nil {
		t.Fatal(err)
	}
	if string(to) != "+14155552671" || moved != events.Erased || misnamed != events.Erased {
		t.Errorf("to %q, moved %q, misnamed %q", string(to), string(moved), string(misnamed))
	}
}

func TestWithoutTheMasterKeyNothingIsTakenForErased(t *testing.T) {
	store := &memory.EventStore{}
	sent, err := instance(store).Send(t.Context(), caller, Send{To: "+14155552671", Body: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	other := newSealer(store)
	other.Master.Present = bytes.Repeat([]byte{8}, 32)
	if _, err := other.Load(t.Context(), sent.ID); !errors.Is(err, ErrMasterKey) {
		t.Errorf("Load = %v, want ErrMasterKey", err)
	}
}

func TestWhatAnEarlierVersionStoredPlainIsReadAsItWas(t *testing.T) {
	store := &memory.EventStore{}
	plain := &Handler{Store: store, Lookup: Lookup("0123456789abcdef0123456789abcdef")}
	sent, err := plain.Send(t.Context(), caller, Send{To: "+14155552671", Body: "text"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, instance(store).Store, sent.ID, "+14155552671", "", "text")
}

func TestKeysOfLoadedStreamsAreReadInOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory.EventStore{}
		h := instance(store)
		var ids []string
		for i := range 20 {
			sent, err := h.Send(t.Context(), caller, Send{To: fmt.Sprint("+141555526", 10+i), Body: "text"})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, sent.ID)
		}
		s := newSealer(store)
		counted := &countedKeyring{Keyring: store.Keyring()}
		s.Keyring = counted
		for want := range 2 {
			for range 3 {
				streams, err := s.LoadMany(t.Context(), ids)
				if err != nil || len(streams) != 20 {
					t.Fatalf("%d streams, %v", len(streams), err)
				}
			}
			if counted.gets != want+1 {
				t.Errorf("%d calls of the keyring, want %d", counted.gets, want+1)
			}
			time.Sleep(seenFor) // another instance may have forgotten somebody
		}
	})
}

// After a start people are known whose keys are not in memory yet: the first is found
// out by a refusal, the others are looked up before.
func TestAfterAStartKnownPeopleCostALookUpAndNoRefusal(t *testing.T) {
	store := &memory.EventStore{}
	number := func(i int) string { return fmt.Sprint("+141555526", 10+i) }
	for i := range 20 {
		if _, err := instance(store).Send(t.Context(), caller, Send{To: number(i), Body: "text"}); err != nil {
			t.Fatal(err)
		}
	}
	counted := &countedAppends{EventStore: store}
	keyring := &countedKeyring{Keyring: store.Keyring()}
	s := newSealer(store)
	s.EventStore, s.Keyring = counted, keyring
	h := &Handler{Store: s, Lookup: s.Lookup}
	for i := range 20 {
		sent, err := h.Send(t.Context(), caller, Send{To: number(i), Body: "again"})
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, instance(store).Store, sent.ID, number(i), "", "again")
	}
	if counted.appends != 21 || keyring.gets != 20 {
		t.Errorf("%d appends, %d look-ups for 20 texts; want one append more, and a look-up each", counted.appends, keyring.gets)
	}
	for i := range 2 * manyAsks { // everybody is new, which is found out as well
		if _, err := h.Send(t.Context(), caller, Send{To: fmt.Sprint("+1415555", 3000+i), Body: "text"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := keyring.gets - 20; got != manyAsks {
		t.Errorf("%d look-ups of new people, want %d and then none", got, manyAsks)
	}
}

func TestAWarmInstanceKnowsPeopleWithoutAsking(t *testing.T) {
	store := &memory.EventStore{}
	number := func(i int) string { return fmt.Sprint("+141555526", 10+i) }
	first := instance(store)
	for i := range 20 {
		if _, err := first.Send(t.Context(), caller, Send{To: number(i), Body: "text"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		forget(t, first, events.Personal(number(3)))
		if _, err := first.Send(t.Context(), caller, Send{To: number(3), Body: "text"}); err != nil {
			t.Fatal(err)
		}
	}
	counted, keyring := &countedAppends{EventStore: store}, &countedKeyring{Keyring: store.Keyring()}
	s := newSealer(store)
	s.EventStore, s.Keyring = counted, keyring
	if err := s.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &Handler{Store: s, Lookup: s.Lookup}
	for i := range 20 {
		sent, err := h.Send(t.Context(), caller, Send{To: number(i), Body: "again"})
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, instance(store).Store, sent.ID, number(i), "", "again")
	}
	if counted.appends != 20 || keyring.gets != 1 {
		t.Errorf("%d appends, %d look-ups for 20 texts; want one append each, and the one of Warm", counted.appends, keyring.gets)
	}
}

type countedAppends struct {
	ports.EventStore
	appends int
}

func (s *countedAppends) Append(ctx context.Context, writes ...ports.Write) ([]ports.Result, error) {
	s.appends++
	return s.EventStore.Append(ctx, writes...)
}

// countedKeyring counts questions.
type countedKeyring struct {
	ports.Keyring
	gets int
}

func (k *countedKeyring) Get(ctx context.Context, names ...string) (map[string][]byte, error) {
	k.gets++
	return k.Keyring.Get(ctx, names...)
}

func TestTheShownFormOfAnEventIsPlainJSON(t *testing.T) {
	store := &memory.EventStore{}
	h := instance(store)
	sent, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: "a <b>"})
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := h.Store.Load(t.Context(), sent.ID)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct{ To, Body string }
	if err := json.Unmarshal(recorded[0].RawData, &shown); err != nil || shown.To != "+14155552671" || shown.Body != "a <b>" {
		t.Errorf("shown as %s, %v", recorded[0].RawData, err)
	}
	stored, err := store.Load(t.Context(), sent.ID)
	if err != nil || stored[0].Digest != recorded[0].Digest || stored[0].ComputeDigest() != stored[0].Digest {
		t.Errorf("its digest is not that of the stored form: %v", err)
	}
}

// An instance that knows no key of a person seals under a wrong one at first. The new
// text and the end of the old one have to be refused together, or it would be lost.
func TestATextIsReplacedByAnInstanceThatKnowsNoKey(t *testing.T) {
	store := &memory.EventStore{}
	h := instance(store)
	old, err := h.Send(t.Context(), caller, Send{To: "+14155552671", Body: "first"})
	if err != nil {
		t.Fatal(err)
	}
	results, err := h.Store.Append(t.Context(), ports.Write{
		StreamID: old.ID, Expected: 1, Meta: caller.meta(),
		Events: []events.Event{events.MessageDeadLettered{Reason: "permanent", Attempts: 0}},
	})
	if err != nil || results[0].Err != nil {
		t.Fatal(results, err)
	}
	other := instance(store)
	replaced, err := other.Replace(t.Context(), caller, old.ID, Replace{To: "+14155552671", Body: "second", Reason: "typo"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, other.Store, replaced.ID, "+14155552671", "", "second")
	commits, err := store.Commits(t.Context(), 0, 100)
	if last := commits[len(commits)-1]; err != nil || last.LastPosition-last.FirstPosition != 1 {
		t.Errorf("the last commit is %+v, %v; want the new text and the end of the old one", last, err)
	}
}
