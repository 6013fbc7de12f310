package domain_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

func TestWhatAProviderKeepsIsRedactedOnceTheTextHasEnded(t *testing.T) {
	sent := history(events.MessageAccepted{}, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageDispatched{Attempt: 1, Provider: "twilio", ProviderMessageID: "SM1"})
	delivered := append(slices.Clone(sent), events.MessageDelivered{})
	duplicate := append(slices.Clone(delivered), events.MessageReceiptIgnored{ProviderMessageID: "SM2", Reason: "duplicate_send"}, events.MessageReceiptIgnored{ProviderMessageID: "SM2", ProviderStatus: "sent", Reason: "duplicate_send"})
	body := events.MessageRedacted{Provider: "twilio", ProviderMessageID: "SM1", What: "body"}
	record := events.MessageRedacted{Provider: "twilio", ProviderMessageID: "SM1", What: "record"}
	failed := events.MessageRedactionFailed{Provider: "twilio", ProviderMessageID: "SM1", What: "record", Code: "20009", HTTPStatus: 409}
	failure := domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "record", Failed: true, Code: "20009", HTTPStatus: 409}
	for _, tt := range []struct {
		name         string
		given        []events.Event
		body, record []string // what is left to redact
		unanswered   []string // what is left of bodies once no receipt is awaited
		when         domain.RecordRedaction
		then         []events.Event
	}{
		{"under way", sent, nil, nil, []string{"SM1"}, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "body"}, history(body)},
		{"in doubt", history(events.MessageAccepted{}, events.MessageAttempted{Attempt: 1, Provider: "twilio"}, events.MessageInDoubt{Attempt: 1}), nil, nil, nil, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "body"}, history(body)},
		{"delivered", delivered, []string{"SM1"}, []string{"SM1"}, []string{"SM1"}, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "body"}, history(body)},
		{"sent twice", duplicate, []string{"SM1", "SM2"}, []string{"SM1", "SM2"}, []string{"SM1", "SM2"}, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "record"}, history(record)},
		{"body redacted", append(slices.Clone(delivered), body), []string{}, []string{"SM1"}, []string{}, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "body"}, nil},
		{"record deleted", append(slices.Clone(delivered), record), []string{}, []string{}, []string{}, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "record"}, nil},
		{"refused", delivered, []string{"SM1"}, []string{"SM1"}, []string{"SM1"}, failure, history(failed)},
		{"refused again", append(slices.Clone(delivered), failed), []string{"SM1"}, []string{"SM1"}, []string{"SM1"}, failure, nil},
		{"refused, and then not", append(slices.Clone(delivered), failed), []string{"SM1"}, []string{"SM1"}, []string{"SM1"}, domain.RecordRedaction{Provider: "twilio", ID: "SM1", What: "record"}, history(record)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m domain.Message
			for _, e := range tt.given {
				m = m.Evolve(e)
			}
			if got := m.Unredacted(domain.RedactBody, true); !slices.Equal(got, tt.body) {
				t.Errorf("bodies left: %v, want %v", got, tt.body)
			}
			if got := m.Unredacted(domain.RedactBody, false); !slices.Equal(got, tt.unanswered) {
				t.Errorf("bodies left of texts without a receipt: %v, want %v", got, tt.unanswered)
			}
			if got := m.Unredacted(domain.RedactRecord, true); !slices.Equal(got, tt.record) {
				t.Errorf("records left: %v, want %v", got, tt.record)
			}
			got, err := m.Decide(tt.when)
			if diff := cmp.Diff(tt.then, got); diff != "" || err != nil {
				t.Errorf("Decide: %v (-want +got):\n%s", err, diff)
			}
			for _, e := range got {
				if after := m.Evolve(e); after.Status != m.Status {
					t.Errorf("it became %s", after.Status)
				}
			}
		})
	}
}
