package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressIsToldAsABarALineOrJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		form progressForm
	}{
		{"a bar", progressBar},
		{"lines", progressLines},
		{"JSON", progressJSON},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				p := newProgress(&out, "messages", 200, 1000)
				if p.form != progressLines {
					t.Error("what is no terminal gets a bar")
				}
				p.form = tt.form
				p.at(250) // too soon to be told
				time.Sleep(2 * time.Second)
				p.at(300)
				time.Sleep(2 * time.Second)
				p.at(900)
				p.at(1000) // too soon again, but the bar ends with it
				p.end()
				said := out.String()
				switch tt.form {
				case progressLines:
					if want := "messages: 300 of 1000 events, 50/s, 14s left\nmessages: 900 of 1000 events, 175/s, 0s left\n"; said != want {
						t.Errorf("told\n%swant\n%s", said, want)
					}
				case progressBar:
					states := strings.Split(said, "\r")
					if len(states) != 4 || !strings.Contains(states[1], "[#######.................]  30 %") || !strings.HasSuffix(said, "\n") ||
						!strings.Contains(states[3], "[########################] 100 %  1000 of 1000") {
						t.Errorf("drew %q", said)
					}
				case progressJSON:
					var line progressLine
					if !strings.Contains(said, `"position":1000,`) || strings.Count(said, "\n") != 3 {
						t.Errorf("told %s", said)
					}
					first, _, _ := strings.Cut(said, "\n")
					if err := json.Unmarshal([]byte(first), &line); err != nil || line.Position != 300 || line.To != 1000 || line.EventsPerSecond != 50 || *line.SecondsLeft != 14 {
						t.Errorf("told %s, %v", first, err)
					}
				}
			})
		})
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if isTerminal(file) {
		t.Error("a file is taken for a terminal")
	}
}
