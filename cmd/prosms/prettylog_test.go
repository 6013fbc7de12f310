package main

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pro-sms/prosms/events"
)

func TestPrettyLinesAreAlignedAndCannotSteerTheTerminal(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newPrettyHandler(&out, slog.LevelInfo, false))
	log.Debug("not shown")
	log.Info("running", "roles", "api,relay")
	log.With("queue", "sms.dlq").WithGroup("broker").Warn("consuming stopped", "retry_in", time.Second)
	log.Error("evil \x1b[2J", "error", errors.New("a\x1b[31m\nb"))
	log.Info("stopping")
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} INFO  running {34}roles=api,relay
\S+ WARN  consuming stopped {24}queue=sms.dlq broker.retry_in=1s
\S+ ERROR "evil \\x1b\[2J" {27}error="a\\x1b\[31m\\nb"
\S+ INFO  stopping
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("the log is\n%s", out.String())
	}
}

func TestPrettyLinesHaveColorWhereItIsWanted(t *testing.T) {
	var out bytes.Buffer
	slog.New(newPrettyHandler(&out, slog.LevelInfo, true)).Warn("careful", "n", 1)
	if got := out.String(); !strings.Contains(got, yellow+"WARN "+plain) || !strings.HasSuffix(got, " n=1\n") {
		t.Errorf("got %q", got)
	}
}

func TestTheFormatOfTheLogIsWhatIsSet(t *testing.T) {
	for format, want := range map[string]string{
		"json": `^\{"time":.*"msg":"hello","to":"\[personal\]"\}\n$`, "text": `^time=.* msg=hello to=\[personal\]\n$`,
		"pretty": `^[0-9:.]+ INFO  hello +to=\[personal\]\n$`, "auto": `^time=.* msg=hello to=\[personal\]\n$`, // into no terminal
	} {
		var out bytes.Buffer
		newLogger(&out, Config{LogFormat: format}).Info("hello", "to", events.Personal("+14155552671"))
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%s: %s", format, out.String())
		}
	}
}
