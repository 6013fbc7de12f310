package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
)

// maxItems is how many texts a batch may hold.
const maxItems = 1000

var errTooManyItems = commands.Invalid{{
	Pointer: "/messages", Code: "too_many_items", Detail: "at most 1,000 messages in a batch",
}}

// batchResult is what came of one item: id and status, or a problem.
type batchResult struct {
	Index   int           `json:"index"`
	ID      string        `json:"id,omitempty"`
	Status  domain.Status `json:"status,omitempty"`
	Problem *problem      `json:"problem,omitempty"`
}

// batch is a request for many texts. An item that cannot be read has its refusal
// and does not count among the sends.
type batch struct {
	sends   []commands.Send
	index   []int // of each send in the request
	refused map[int]error
	items   int
}

// sendBatch accepts every item that is acceptable, in one commit.
func (a *api) sendBatch(w http.ResponseWriter, r *http.Request, caller commands.Caller) error {
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return err
	}
	if err := a.batches.take(r.Context()); err != nil {
		return err
	}
	defer a.batches.free()
	var b batch
	if err := readJSON(w, r, maxBatch, b.read); err != nil {
		return err
	}
	if b.items == 0 {
		return commands.Invalid{{Pointer: "/messages", Code: commands.CodeRequired, Detail: "name at least one message"}}
	}
	if key != "" {
		for n, i := range b.index {
			b.sends[n].IdempotencyKey = key + "#" + strconv.Itoa(i)
		}
	}
	var answers []commands.SendResult
	if len(b.sends) > 0 {
		if answers, err = a.Commands.SendBatch(r.Context(), caller, b.sends); err != nil {
			return err
		}
	}
	results, repeated := b.results(answers, func(err error) {
		a.log.ErrorContext(r.Context(), "answering with an internal error", "route", r.Pattern, "request_id", caller.RequestID, "error", err)
	})
	if repeated {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	return writeJSON(w, http.StatusAccepted, struct {
		Results []batchResult `json:"results"`
	}{results})
}

// results puts the answers in the order of the request. It is true when all that
// was accepted had been accepted before.
func (b *batch) results(answers []commands.SendResult, unforeseen func(error)) (results []batchResult, repeated bool) {
	results = make([]batchResult, b.items)
	accepted, replayed := 0, 0
	for n, answer := range answers {
		i := b.index[n]
		if answer.Err != nil {
			b.refused[i] = answer.Err
			continue
		}
		accepted++
		if answer.Sent.Replayed {
			replayed++
		}
		results[i] = batchResult{Index: i, ID: answer.Sent.ID, Status: answer.Sent.Status}
	}
	for i, err := range b.refused {
		p, foreseen := problemOf(err)
		if !foreseen {
			unforeseen(err)
		}
		p.Errors = inItem(i, p.Errors)
		results[i] = batchResult{Index: i, Problem: &p}
	}
	return results, accepted > 0 && replayed == accepted
}

// inItem makes pointers into an item pointers into the batch.
func inItem(i int, faults []fault) []fault {
	moved := make([]fault, len(faults))
	for n, f := range faults {
		if f.In == "" {
			f.Pointer = "/messages/" + strconv.Itoa(i) + f.Pointer
		}
		moved[n] = f
	}
	return moved
}

// read reads {"messages": […]}. What is wrong with one item, short of the whole
// document being malformed, is that item's and not the batch's.
func (b *batch) read(d *decoder) error {
	b.refused = map[int]error{}
	return d.object(func(name []byte) error {
		if string(name) != "messages" {
			return errUnknownField
		}
		return d.array(func(i int) error {
			if i == maxItems {
				return errTooManyItems
			}
			b.items++
			var send commands.Send
			start := d.at
			if err := d.reading(func(d *decoder) error { return readSend(d, &send) }); err != nil {
				return b.refuse(d, i, start, err)
			}
			b.sends, b.index = append(b.sends, send), append(b.index, i)
			return nil
		})
	})
}

// refuse notes that item i cannot be read, and passes over it.
func (b *batch) refuse(d *decoder, i, start int, err error) error {
	if len(b.refused) == 0 {
		err = d.blame(err) // once is enough to know that the rest is well formed
	}
	if r, ok := errors.AsType[*refusal](err); !ok || r.code == codeMalformed {
		return err
	}
	b.refused[i] = err
	d.at = start
	d.skip()
	return nil
}
