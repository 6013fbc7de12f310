package ports_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/adapters/memory"
	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/ports"
)

// logOf is a log with an event of each of n streams.
func logOf(t *testing.T, n int, body events.Personal) (ports.EventStore, []events.Recorded) {
	t.Helper()
	store := &memory.EventStore{}
	for i := range n {
		text := events.MessageAccepted{To: "+14155550123", Body: body, Lane: "normal"}
		if _, err := store.Append(t.Context(), ports.Write{StreamID: fmt.Sprint("msg_", i), Events: []events.Event{text}}); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := store.Read(t.Context(), 0, n)
	if err != nil {
		t.Fatal(err)
	}
	return store, recorded
}

func encoded(recorded []events.Recorded) []byte {
	return ports.EventFrame{First: recorded[0].Position, Last: recorded[len(recorded)-1].Position, Events: recorded}.Encode()
}

func TestFramesThatJoinOnAreOneFrame(t *testing.T) {
	store, log := logOf(t, 7, "}]} hello")
	merged, n := ports.MergeEventFrames([][]byte{encoded(log[:2]), encoded(log[2:3]), encoded(log[3:5]), encoded(log[6:])})
	frame, err := ports.DecodeEvents(merged)
	if err != nil || n != 3 || frame.First != 1 || frame.Last != 5 {
		t.Fatalf("%d merged, %d to %d, %v; want the 3 that join on", n, frame.First, frame.Last, err)
	}
	if diff := cmp.Diff(log[:5], frame.Events); diff != "" {
		t.Error(diff)
	}
	if ours, err := frame.Of(t.Context(), store); !ours || err != nil {
		t.Errorf("of the log: %t, %v", ours, err)
	}
	if ports.IsEventFrame(merged) || !ports.IsEventFrame(encoded(log)) {
		t.Error("what is merged is not told from a frame")
	}
}

func TestWhatIsNoFrameIsNotMerged(t *testing.T) {
	_, log := logOf(t, 3, "hello")
	good := encoded(log[:1])
	for _, other := range [][]byte{nil, []byte("{"), []byte(`{"first":2,"last":1,"events":[{}]}`), []byte(`{"first":2,"last":2,"events":[]}`), encoded(log[2:]), encoded(log[:2]), good} {
		if got, n := ports.MergeEventFrames([][]byte{good, other}); n != 1 || string(got) != string(good) {
			t.Errorf("with %s: %d, %s", other, n, got)
		}
		if got, n := ports.MergeEventFrames([][]byte{other, good}); n != 1 || string(got) != string(other) {
			t.Errorf("after %s: %d, %s", other, n, got)
		}
	}
}

// A queue may still hold the end of another log, which the present one joins on to.
func TestAMergedFrameIsOfALogOnlyIfEachOfItsPartsIs(t *testing.T) {
	store, ours := logOf(t, 6, "ours")
	_, theirs := logOf(t, 6, "theirs")
	for _, parts := range [][][]byte{
		{encoded(theirs[:2]), encoded(ours[2:4])},
		{encoded(ours[:2]), encoded(theirs[2:4]), encoded(ours[4:])},
		{encoded(ours[:2]), encoded(theirs[2:4])},
	} {
		merged, n := ports.MergeEventFrames(parts)
		frame, err := ports.DecodeEvents(merged)
		if err != nil || n != len(parts) {
			t.Fatal(n, err)
		}
		if is, err := frame.Of(t.Context(), store); is || err != nil {
			t.Errorf("taken for ours: %t, %v", is, err)
		}
	}
}

func TestPartsThatAreNotThoseOfTheFrameAreRefused(t *testing.T) {
	_, log := logOf(t, 2, "hello")
	whole := string(encoded(log))
	for _, parts := range []string{"[1]", "[0,2]", "[1,3]", "[2,1]"} {
		if _, err := ports.DecodeEvents([]byte(whole[:len(whole)-1] + `,"parts":` + parts + `}`)); err == nil {
			t.Errorf("parts %s are taken", parts)
		}
	}
}
