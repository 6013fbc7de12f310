package events

import (
	"encoding/json"
	"fmt"
)

// shape says how a type is stored today and how it was stored before.
type shape struct {
	schema    int // revision that Encode writes
	decode    func(json.RawMessage) (Event, error)
	upcasters []upcaster // upcasters[i] turns revision i+1 into i+2
}

// upcaster rewrites one stored revision as the next one.
type upcaster func(json.RawMessage) (json.RawMessage, error)

// shapes is the catalogue: a line per type. A changed payload raises the schema
// and adds an upcaster and a golden file; it never edits an old one.
var shapes = map[string]shape{
	"message.accepted":         {1, scanned(scanAccepted), nil},
	"message.deferred":         {1, decodeAs[MessageDeferred], nil},
	"message.attempted":        {1, scanned(scanAttempted), nil},
	"message.dispatched":       {1, scanned(scanDispatched), nil},
	"message.failed":           {1, decodeAs[MessageFailed], nil},
	"message.retried":          {1, decodeAs[MessageRetried], nil},
	"message.in_doubt":         {1, decodeAs[MessageInDoubt], nil},
	"message.reconciled":       {1, decodeAs[MessageReconciled], nil},
	"message.dead_lettered":    {1, decodeAs[MessageDeadLettered], nil},
	"message.redriven":         {1, decodeAs[MessageRedriven], nil},
	"message.discarded":        {1, decodeAs[MessageDiscarded], nil},
	"message.opted_out":        {1, decodeAs[MessageOptedOut], nil},
	"message.delivered":        {1, scanned(scanDelivered), nil},
	"message.undelivered":      {1, decodeAs[MessageUndelivered], nil},
	"message.canceled":         {1, decodeAs[MessageCanceled], nil},
	"message.expired":          {1, decodeAs[MessageExpired], nil},
	"message.receipt_ignored":  {1, decodeAs[MessageReceiptIgnored], nil},
	"message.redacted":         {1, decodeAs[MessageRedacted], nil},
	"message.redaction_failed": {1, decodeAs[MessageRedactionFailed], nil},
	"receipt.unknown":          {1, decodeAs[ReceiptUnknown], nil},
	"consent.opted_out":        {1, decodeAs[ConsentOptedOut], nil},
	"consent.opted_in":         {1, decodeAs[ConsentOptedIn], nil},
	"consent.reviewed":         {1, decodeAs[ConsentReviewed], nil},
	"inbound.received":         {1, decodeAs[InboundReceived], nil},
	"key.issued":               {1, decodeAs[KeyIssued], nil},
	"key.revoked":              {1, decodeAs[KeyRevoked], nil},
	"key.rotated":              {1, decodeAs[KeyRotated], nil},
	"breaker.opened":           {1, decodeAs[BreakerOpened], nil},
	"breaker.half_opened":      {1, decodeAs[BreakerHalfOpened], nil},
	"breaker.closed":           {1, decodeAs[BreakerClosed], nil},
	"fuse.blown":               {1, decodeAs[FuseBlown], nil},
	"fuse.lifted":              {1, decodeAs[FuseLifted], nil},
	"replay.requested":         {1, decodeAs[ReplayRequested], nil},
	"replay.selected":          {1, decodeAs[ReplaySelected], nil},
	"replay.progressed":        {1, decodeAs[ReplayProgressed], nil},
	"replay.paused":            {1, decodeAs[ReplayPaused], nil},
	"replay.resumed":           {1, decodeAs[ReplayResumed], nil},
	"replay.canceled":          {1, decodeAs[ReplayCanceled], nil},
	"replay.completed":         {1, decodeAs[ReplayCompleted], nil},
	"webhook.created":          {1, decodeAs[WebhookCreated], nil},
	"webhook.changed":          {1, decodeAs[WebhookChanged], nil},
	"webhook.rotated":          {1, decodeAs[WebhookRotated], nil},
	"webhook.disabled":         {1, decodeAs[WebhookDisabled], nil},
	"webhook.enabled":          {1, decodeAs[WebhookEnabled], nil},
	"webhook.deleted":          {1, decodeAs[WebhookDeleted], nil},
	"webhook.replayed":         {1, decodeAs[WebhookReplayed], nil},
	"subject.forgotten":        {1, decodeAs[SubjectForgotten], nil},
	"log.detached":             {1, decodeAs[LogDetached], nil},
	"log.attached":             {1, decodeAs[LogAttached], nil},
	"projection.skipped":       {1, decodeAs[ProjectionSkipped], nil},
	"operator.invited":         {1, decodeAs[OperatorInvited], nil},
	"operator.joined":          {1, decodeAs[OperatorJoined], nil},
	"operator.role_changed":    {1, decodeAs[OperatorRoleChanged], nil},
	"operator.removed":         {1, decodeAs[OperatorRemoved], nil},
	"operator.admitted":        {1, decodeAs[OperatorAdmitted], nil},
	"operator.signed_in":       {1, decodeAs[OperatorSignedIn], nil},
}

func decodeAs[E Event](data json.RawMessage) (Event, error) {
	var e E
	err := json.Unmarshal(data, &e)
	return e, err
}

// Encode returns the stored form of e and its schema. An error means that e is
// of no type in the catalogue, or does not marshal. An Unknown, a Detached or an Unreadable is never
// written, whatever it is called: its payload is not in it.
func Encode(e Event) (data json.RawMessage, schema int, err error) {
	s, ok := shapes[e.EventType()]
	switch e.(type) {
	case Unknown, Detached, Unreadable:
		ok = false
	}
	if !ok {
		return nil, 0, fmt.Errorf("encoding %s: not in the catalogue", e.EventType())
	}
	data, err = encoded(e)
	if err != nil {
		return nil, 0, fmt.Errorf("encoding %s: %w", e.EventType(), err)
	}
	return data, s.schema, nil
}

// Decode returns the event stored as data under eventType and schema, upcast to
// today's shape. A type or a later schema that this build does not know gives
// Unknown and no error, a payload that was detached gives Detached.
func Decode(eventType string, schema int, data json.RawMessage) (Event, error) {
	if string(data) == detached {
		return Detached{Type: eventType}, nil
	}
	s, ok := shapes[eventType]
	if !ok || schema > s.schema {
		return Unknown{Type: eventType}, nil
	}
	if schema < 1 {
		return nil, fmt.Errorf("decoding %s: schema %d", eventType, schema)
	}
	// Errors of json may quote a value, which may be personal: none is passed on.
	for i := schema; i < s.schema; i++ {
		var err error
		if data, err = s.upcasters[i-1](data); err != nil {
			return nil, fmt.Errorf("upcasting %s from schema %d: malformed payload", eventType, i)
		}
	}
	e, err := s.decode(data)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: malformed payload", eventType)
	}
	return e, nil
}
