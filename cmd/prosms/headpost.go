package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/pro-sms/prosms/events/audit"
)

// headPostTime bounds a post of a signed head.
const headPostTime = 15 * time.Second

// postHead posts signed heads to a URL, which has one once it has answered with 2xx. It
// is an operator's URL and may lead anywhere, but not on to another place. Errors do not
// quote it: it may hold a secret.
func postHead(to string) func(context.Context, audit.Head, []byte) error {
	client := &http.Client{
		Timeout:       headPostTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, _ audit.Head, note []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(note))
		if err != nil {
			return errors.New("PROSMS_HEAD_URL cannot be read")
		}
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
		resp, err := client.Do(req)
		if fault := (*url.Error)(nil); errors.As(err, &fault) {
			err = fault.Err
		}
		if err != nil {
			return fmt.Errorf("posting to PROSMS_HEAD_URL: %w", err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return fmt.Errorf("posting to PROSMS_HEAD_URL: answered with %d", resp.StatusCode)
		}
		return nil
	}
}
