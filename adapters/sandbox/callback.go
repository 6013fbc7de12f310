package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Twilio's limits of a callback: 15 s in all, repeats included. The pauses between
// repeats are ours, they are not documented.
const (
	callbackTime  = 15 * time.Second
	callbackPause = 200 * time.Millisecond // doubled with each repeat
)

func newCallbackClient(connections int) *http.Client {
	return &http.Client{
		Timeout:       callbackTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxIdleConnsPerHost: connections, IdleConnTimeout: 30 * time.Second},
	}
}

// step brings a message to the first status of its course, calls back, and queues
// the rest, or the same again if the callback failed and may be repeated.
func (k *courier) step(ctx context.Context, p course) {
	m, known := k.advance(p)
	if !known {
		k.finish()
		return
	}
	if p.url != "" && !k.report(ctx, p, m) {
		p.tries++
		if time.Since(p.begun) < callbackTime {
			k.put(p, callbackPause<<(p.tries-1))
			return
		}
		k.ledger.count(func(c *Counts) { c.CallbacksLost++ })
	}
	if ctx.Err() != nil {
		return // a restart begins the course again
	}
	p.steps, p.tries = p.steps[1:], 0
	if len(p.steps) == 0 {
		k.ledger.change(m.SID, m.UpdatedAt, func(m *Message) bool {
			unfinished := !m.Finished
			m.Finished = true
			return unfinished
		})
		k.finish()
		return
	}
	p.begun = time.Now().Add(p.delay)
	k.put(p, p.delay)
}

// advance moves a message to the coming status, unless it is beyond that. It is
// false for one that is forgotten, canceled or deleted, whose course ends.
func (k *courier) advance(p course) (Message, bool) {
	step := p.steps[0]
	m, changed := k.ledger.change(p.sid, time.Now().UTC(), func(m *Message) bool {
		if m.Finished || m.Deleted || ranks[step.Status] <= ranks[m.Status] {
			return false
		}
		m.Status, m.ErrorCode = step.Status, step.ErrorCode
		return true
	})
	return m, changed || m.SID != "" && !m.Finished && !m.Deleted
}

// report calls back with the first status of a course. It is false when that is to
// be repeated.
func (k *courier) report(ctx context.Context, p course, m Message) (done bool) {
	if p.drop {
		k.ledger.count(func(c *Counts) { c.CallbacksLost++ })
		return true
	}
	status, connected := k.post(ctx, p, m)
	switch {
	case status >= 200 && status <= 299:
		k.ledger.count(func(c *Counts) { c.CallbacksDelivered++ })
		return true
	case ctx.Err() == nil && p.retry.again(p.tries+1, status, connected):
		return false
	}
	k.ledger.count(func(c *Counts) { c.CallbacksLost++ })
	return true
}

// post makes one callback and returns the status of the answer, 0 for none.
func (k *courier) post(ctx context.Context, p course, m Message) (status int, connected bool) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	form := k.form(p.steps[0], m)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, false
	}
	token := k.config.AuthToken
	if p.wrongSignature {
		token += " but wrong"
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("I-Twilio-Idempotency-Token", m.SID+"-"+p.steps[0].Status)
	req.Header.Set("X-Twilio-Signature", sign(token, p.url, form))
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, connected
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxForm))
	return resp.StatusCode, connected
}

// form returns what Twilio reports, with the status of the step: the message may
// be beyond it.
func (k *courier) form(step Step, m Message) url.Values {
	form := url.Values{
		"AccountSid": {k.config.AccountSID}, "ApiVersion": {"2010-04-01"},
		"MessageSid": {m.SID}, "MessageStatus": {step.Status},
		"SmsSid": {m.SID}, "SmsStatus": {step.Status},
		"To": {m.To}, "From": {m.From},
	}
	if m.Service != "" {
		form.Set("MessagingServiceSid", m.Service)
	}
	if step.ErrorCode != 0 {
		form.Set("ErrorCode", strconv.Itoa(step.ErrorCode))
	}
	if final(step.Status) {
		form.Set("RawDlrDoneDate", m.UpdatedAt.Format("0601021504"))
	}
	return form
}

// sign returns X-Twilio-Signature: HMAC-SHA1 over the URL and the parameters,
// sorted by name (twilio.com/docs/usage/security).
func sign(token, url string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, url)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		_, _ = io.WriteString(mac, name+form[name][0])
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
