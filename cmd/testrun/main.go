// Command testrun is what ./test cannot do in shell: it finds servers and ports,
// and turns the output of go test -json into a report. It is no part of prosms.
//
//	testrun missing            prints the servers, one a line, that nobody started
//	testrun port               prints a free TCP port of 127.0.0.1
//	testrun report [-require]  reads go test -json
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want missing, port or report")
	}
	switch args[0] {
	case "missing":
		return missing(ctx, out)
	case "port":
		return port(out)
	case "report":
		return report(in, out, slices.Contains(args[1:], "-require"))
	}
	return fmt.Errorf("unknown command %s", args[0])
}

// port prints a port that was free a moment ago.
func port(out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("looking for a port: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, err = fmt.Fprintln(out, l.Addr().(*net.TCPAddr).Port)
	return err
}
