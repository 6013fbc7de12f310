package domain_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/events"
)

// diagram finds the one Mermaid diagram of a message's states.
var diagram = regexp.MustCompile("(?s)```mermaid\nstateDiagram-v2\n(.*?)```")

func TestTheDiagramInArchitectureIsTheLifeOfAMessage(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	found := diagram.FindAllSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%d state diagrams in ARCHITECTURE.md, want 1", len(found))
	}
	var drawn []string
	for line := range strings.Lines(string(found[0][1])) {
		if line = strings.TrimSpace(line); strings.Contains(line, "-->") {
			drawn = append(drawn, line)
		}
	}
	slices.Sort(drawn)
	if diff := cmp.Diff(transitions(t), drawn); diff != "" {
		t.Errorf("the diagram (-what the domain does, +what is drawn):\n%s", diff)
	}
}

// transitions returns every change of status that commands can bring about, as
// Mermaid has it. It tries each command in each state that it reaches within three
// attempts, so that nothing depends on chance.
func transitions(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for _, status := range domain.Statuses {
		if (domain.Message{Status: status}).Final() {
			found[fmt.Sprintf("%s --> [*]", status)] = true
		}
	}
	states := []domain.Message{{}}
	seen := map[string]bool{}
	for len(states) > 0 {
		m := states[0]
		states = states[1:]
		for _, c := range everyCommand(m) {
			list, _ := m.Decide(c) // a refusal changes nothing
			next := m
			for _, e := range list {
				was := next.Status
				if next = next.Evolve(e); was != next.Status {
					found[transition(was, next.Status, e)] = true
				}
			}
			if len(list) == 0 || next.Attempt > 3 {
				continue
			}
			if key := fmt.Sprintf("%+v", next); !seen[key] {
				seen[key] = true
				states = append(states, next)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func transition(from, to domain.Status, e events.Event) string {
	if from == "" {
		from = "[*]"
	}
	return fmt.Sprintf("%s --> %s: %s", from, to, e.EventType())
}

// everyCommand lists one command of each kind and outcome, about the last attempt
// and the one before; time passes as far as m waits.
func everyCommand(m domain.Message) []domain.Command {
	now := noon
	if m.DueAt.After(now) {
		now = m.DueAt
	}
	commands := []domain.Command{
		domain.Accept{Text: text}, domain.Accept{Text: later}, domain.Accept{Text: expiring},
		domain.Accept{Text: with(later, func(m *events.MessageAccepted) { m.ExpiresAt = at(2) })},
		domain.Claim{Attempt: m.Attempt + 1, Now: now},
		domain.Claim{Attempt: m.Attempt + 1, Now: now, OptedOut: true},
		domain.Claim{Attempt: m.Attempt + 1, Now: now, Erased: true},
		domain.Claim{Attempt: m.Attempt + 1, Now: *at(24)},
		domain.Defer{Attempt: m.Attempt + 1, Until: *at(3)},
		domain.Claim{Attempt: m.Attempt + 1, Now: now, Quiet: domain.Quiet{Until: *at(1)}},
		domain.Claim{Attempt: m.Attempt + 1, Now: now, Quiet: domain.Quiet{Never: true}},
		domain.Claim{Attempt: m.Attempt + 1, Now: now, Paused: *at(1)},
		domain.Cancel{}, domain.Expire{Now: *at(24)}, domain.Redrive{IncludeInDoubt: true}, domain.Discard{}, domain.GiveUp{Attempt: m.Attempt + 1},
		domain.Suspect{Now: now}, domain.Replace{IncludeInDoubt: true},
		domain.Resolve{Attempt: m.Attempt, Verdict: domain.VerdictSent, ProviderMessageID: "SM"},
		domain.Resolve{Attempt: m.Attempt, Verdict: domain.VerdictResend}, domain.Resolve{Attempt: m.Attempt, Verdict: domain.VerdictGiveUp},
	}
	for attempt := max(m.Attempt-1, 1); attempt <= m.Attempt; attempt++ {
		id := fmt.Sprint("SM", attempt)
		commands = append(commands, domain.RecordSent{Attempt: attempt, ProviderMessageID: id}, domain.RecordDoubt{Attempt: attempt})
		for _, result := range []domain.ReceiptResult{domain.ReceiptProgress, domain.ReceiptDelivered, domain.ReceiptUndelivered} {
			commands = append(commands, domain.Receipt{Attempt: attempt, ProviderMessageID: id, Result: result})
		}
		for _, r := range []domain.Retry{
			{Schedule: domain.RetrySchedule{Max: 9}, Now: now},
			{Schedule: domain.RetrySchedule{Max: 9, Delays: []time.Duration{48 * time.Hour}}, Chance: 0.5, Now: now},
			{Now: now},
		} {
			commands = append(commands,
				domain.Reconcile{Attempt: attempt, ProviderMessageID: id, Retry: r},
				domain.Reconcile{Attempt: attempt, Resend: true, Retry: r},
				domain.Reconcile{Attempt: attempt, Retry: r})
			for _, class := range []string{"not_sent", "permanent", "opted_out"} {
				commands = append(commands, domain.RecordFailure{Failure: events.MessageFailed{Attempt: attempt, Class: class}, Retry: r})
			}
		}
	}
	return commands
}
