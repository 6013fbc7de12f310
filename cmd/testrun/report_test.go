package main

import (
	"context"
	"net"
	"strings"
	"testing"
)

// Each constant is what go test -json printed, shortened to the fields in use.
const (
	passes = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise of a test that passes\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	fails = `{"Action":"run","Package":"q","Test":"TestB"}
{"Action":"run","Package":"q","Test":"TestB/sub"}
{"Action":"output","Package":"q","Test":"TestB/sub","Output":"    b_test.go:7: got 1, want 2\n"}
{"Action":"fail","Package":"q","Test":"TestB/sub"}
{"Action":"fail","Package":"q","Test":"TestB"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.1s\n"}
{"Action":"fail","Package":"q"}
`
	crashes = `{"Action":"run","Package":"r","Test":"TestC"}
{"Action":"output","Package":"r","Test":"TestC","Output":"panic: test timed out after 1s\n"}
{"Action":"output","Package":"r","Output":"FAIL\tr\t1.0s\n"}
{"Action":"fail","Package":"r"}
`
	doesNotCompile = `{"ImportPath":"s [s.test]","Action":"build-output","Output":"./s.go:3:1: undefined: x\n"}
{"ImportPath":"s [s.test]","Action":"build-fail"}
{"Action":"output","Package":"s","Output":"FAIL\ts [build failed]\n"}
{"Action":"fail","Package":"s","FailedBuild":"s [s.test]"}
`
	givesUpInMain = `{"Action":"start","Package":"u"}
{"Action":"output","Package":"u","Output":"goleak: found unexpected goroutines\n"}
{"Action":"fail","Package":"u"}
`
	usesAll = `{"Action":"run","Package":"p","Test":"TestS"}
{"Action":"attr","Package":"p","Test":"TestS","Key":"backend.postgres","Value":"PostgreSQL 15.20 at h:5432"}
{"Action":"attr","Package":"p","Test":"TestS","Key":"backend.postgres","Value":"PostgreSQL 15.20 at h:5432"}
{"Action":"attr","Package":"p","Test":"TestS","Key":"backend.rabbitmq","Value":"RabbitMQ 3.10.8 at h:5672"}
{"Action":"attr","Package":"p","Test":"TestS","Key":"backend.redis","Value":"Redis 7.0.15 at h:6379"}
{"Action":"attr","Package":"p","Test":"TestS","Key":"unrelated","Value":"x"}
{"Action":"pass","Package":"p","Test":"TestS"}
`
	skipsRedis = `{"Action":"run","Package":"p","Test":"TestR"}
{"Action":"attr","Package":"p","Test":"TestR","Key":"backend.redis","Value":"skipped: no answer at h:6379"}
{"Action":"output","Package":"p","Test":"TestR","Output":"    r_test.go:9: SKIPPED FOR WANT OF A SERVER: asking redis\n"}
{"Action":"output","Package":"p","Test":"TestR","Output":"--- SKIP: TestR (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestR"}
`
)

func TestTheReportSaysWhatHappened(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		require  bool
		want     []string // in the output
		absent   string   // from the output
		fault    string   // "" for success
	}{
		{"a pass is counted and silent", passes, false, []string{"ok  \tp\t0.1s\n", "\n1 passed, 0 failed\n"}, "noise", ""},
		{"a failure shows what it said", passes + fails, false, []string{"b_test.go:7: got 1, want 2", "\n1 passed, 2 failed\n"}, "skipped", "2 failed"},
		{"it ends with what failed, without the logs", passes + fails, false, []string{"\nfailed:\nq TestB/sub\n    b_test.go:7: got 1, want 2\nq TestB\n"}, "slowest", "2 failed"},
		{"it names tests that take long", strings.ReplaceAll(passes, `"pass","Package":"p","Test":"TestA"`, `"pass","Package":"p","Test":"TestA","Elapsed":12.34`), false, []string{"   12.3  p TestA\n"}, "failed:", ""},
		{"a test that took its process down has failed", passes + crashes, false, []string{"panic: test timed out", "\n1 passed, 1 failed\n"}, "", "1 failed"},
		{"a package that does not compile has failed", passes + doesNotCompile, false, []string{"undefined: x", "\n1 passed, 1 failed\n"}, "", "1 failed"},
		{"a package that fails outside its tests has failed", passes + givesUpInMain, false, []string{"goleak", "\n1 passed, 1 failed\n"}, "", "1 failed"},
		{"nothing at all is no success", "", false, []string{"0 passed, 0 failed"}, "", "no test passed"},
		{"what is no event is shown", "go: no such package\n" + passes, false, []string{"go: no such package\n"}, "", ""},
		{"a test counts once for a server", usesAll, true, []string{"postgres   PostgreSQL 15.20 at h:5432   1\n"}, "unrelated", ""},
		{"a skip gives its reason", usesAll + skipsRedis, false, []string{"skipped 1: SKIPPED FOR WANT OF A SERVER: asking redis\n", "1 skipped\n", "redis      skipped: no answer at h:6379"}, "", ""},
		{"a skip is a fault where servers are required", usesAll + skipsRedis, true, nil, "", "redis is required and was skipped"},
		{"so is a server that no test asked for", passes, true, []string{"no test asked for it"}, "", "rabbitmq is required and no test asked for it"},
		{"an adapter without a server has its line", strings.ReplaceAll(passes, `"p"`, `"m/adapters/sqlite"`), false, []string{"sqlite     embedded"}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			err := report(strings.NewReader(tt.in), &out, tt.require)
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
			if tt.absent != "" && strings.Contains(out.String(), tt.absent) {
				t.Errorf("%q in:\n%s", tt.absent, out.String())
			}
			if tt.fault == "" && err != nil || tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("got error %v, want %q", err, tt.fault)
			}
		})
	}
}

func TestThePortIsFree(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"port"}, nil, &out); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	_ = l.Close()
}

func TestAServerThatIsNamedHasToAnswer(t *testing.T) {
	t.Setenv("TEST_REDIS_URL", "redis://127.0.0.1:1/0") // port 1 (tcpmux): nobody listens
	var out strings.Builder
	err := run(t.Context(), []string{"missing"}, nil, &out)
	if err == nil || !strings.Contains(err.Error(), "TEST_REDIS_URL") || !strings.Contains(out.String(), "redis\n") {
		t.Errorf("got %q, %v; want redis, and its variable named", out.String(), err)
	}
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	for _, args := range [][]string{nil, {"reports"}} {
		if err := run(context.Background(), args, nil, nil); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
