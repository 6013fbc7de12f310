package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheAdminListenerDoesNotWaitForSlowOrEndlessRequests(t *testing.T) {
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, "", http.StatusRequestTimeout)
		}
	}), slog.New(slog.DiscardHandler))
	if server.ReadHeaderTimeout == 0 || server.ReadTimeout == 0 || server.IdleTimeout == 0 || server.MaxHeaderBytes == 0 {
		t.Errorf("bounds of %+v", server)
	}
	server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = 150*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	for _, tt := range []struct {
		name, sent string
		want       string // what the answer begins with; "": the connection is closed without one
	}{
		{"headers that do not end", "GET / HTTP/1.1\r\nHost: x\r\n", ""},
		{"a body that does not come", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nname=", "HTTP/1.1 408 "},
		{"nothing at all", "", ""},
		{"headers without end", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
		{"a request like others", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
	} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := fmt.Fprint(conn, tt.sent); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() || !strings.HasPrefix(line, tt.want) || tt.want == "" && line != "" {
			t.Errorf("%s: %q, %v; want %q", tt.name, line, err, tt.want)
		}
		_ = conn.Close()
	}
}
