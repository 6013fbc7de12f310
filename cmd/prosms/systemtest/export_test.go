package systemtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/pro-sms/prosms/events"
)

// exported runs prosms export and returns its lines, and what it says of itself.
func (r *rig) exported(args ...string) (lines []string, said string) {
	r.t.Helper()
	printed, said, err := prosms(r.t, r.environ, append([]string{"export"}, args...)...)
	if err != nil {
		r.t.Fatalf("exporting: %v", err)
	}
	for line := range strings.Lines(printed) {
		lines = append(lines, line)
	}
	return lines, said
}

func TestTheLogIsExportedPieceByPieceBesideAGateway(t *testing.T) {
	t.Parallel()
	for name, full := range stacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, full)
			gateway := rig.start()
			ids, err := gateway.sendBatch(30)
			if err != nil {
				t.Fatal(err)
			}
			gateway.expectAllDelivered(ids, 30*time.Second)
			all, said := rig.exported()
			if len(all) < 4*30 || !strings.Contains(said, fmt.Sprintf("the next export: --after %d\n", len(all))) {
				t.Fatalf("%d events; it says %s", len(all), said)
			}
			var pieces []string
			for after := 0; after < len(all); after += 50 {
				lines, _ := rig.exported("--after", fmt.Sprint(after), "--until", fmt.Sprint(min(after+50, len(all))))
				pieces = append(pieces, lines...)
			}
			if strings.Join(pieces, "") != strings.Join(all, "") {
				t.Error("in pieces it is not the same")
			}
			for i, line := range all {
				var e events.Recorded
				if err := json.Unmarshal([]byte(line), &e); err != nil || e.Position != int64(i+1) {
					t.Fatalf("line %d is at %d, %v", i+1, e.Position, err)
				}
			}
			texts, _ := rig.exported("--format", "cloudevents", "--type", "message.accepted", "--tenant", "acme")
			if len(texts) != 30 || !strings.HasPrefix(texts[0], `{"specversion":"1.0","id":"`) {
				t.Errorf("%d texts: %s", len(texts), texts)
			}
			file, _, err := prosms(t, rig.environ, "export", "--format", "parquet", "--type", "message.accepted")
			if err != nil {
				t.Fatal(err)
			}
			rows, err := parquet.Read[struct {
				Tenant *string `parquet:"tenant,optional"`
				Data   *string `parquet:"data,optional"`
			}](strings.NewReader(file), int64(len(file)))
			if err != nil || len(rows) != 30 || rows[0].Tenant == nil || *rows[0].Tenant != "acme" || rows[0].Data == nil || !strings.Contains(*rows[0].Data, `"to":"+`) {
				t.Errorf("%d rows, %v", len(rows), err)
			}
			if none, _ := rig.exported("--type", "message", "--until", "2020-01-01T00:00:00Z"); len(none) > 0 {
				t.Errorf("%d events before there was a log", len(none))
			}
			gateway.stop()
		})
	}
}
