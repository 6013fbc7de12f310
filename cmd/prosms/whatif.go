package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/commands/whatif"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/projections"
)

// whatIfCommand takes the policy of the time from the environment, as serve does, and
// the other one from its flags: what they do not name is as in the environment.
type whatIfCommand struct {
	Since string `required:"" help:"From a position (after it) or RFC 3339 time on." placeholder:"POSITION|TIME"`
	Until string `help:"Up to a position or RFC 3339 time. Empty: the head of the log." placeholder:"POSITION|TIME"`

	RetryDelays        string `help:"Instead of PROSMS_RETRY_DELAYS." placeholder:"LIST"`
	MaxRetries         string `help:"Instead of PROSMS_MAX_RETRIES." placeholder:"N"`
	Config             string `help:"Instead of PROSMS_CONFIG: its routes, senders, quiet hours and breakers." type:"path" placeholder:"FILE"`
	QuietHours         string `help:"Instead of PROSMS_QUIET_HOURS." placeholder:"FROM-TO"`
	InDoubtPolicy      string `help:"Instead of PROSMS_IN_DOUBT_POLICY." placeholder:"resend|hold"`
	BreakerWindow      string `help:"Instead of PROSMS_BREAKER_WINDOW." placeholder:"DURATION"`
	BreakerFailureRate string `help:"Instead of PROSMS_BREAKER_FAILURE_RATE." placeholder:"SHARE"`
	BreakerMinRequests string `help:"Instead of PROSMS_BREAKER_MIN_REQUESTS." placeholder:"N"`
	BreakerConsecutive string `help:"Instead of PROSMS_BREAKER_CONSECUTIVE." placeholder:"N"`
	BreakerCooldown    string `help:"Instead of PROSMS_BREAKER_COOLDOWN." placeholder:"DURATION"`
	BreakerProbes      string `help:"Instead of PROSMS_BREAKER_PROBES." placeholder:"N"`

	Allow    bool `help:"Go on without what the policy of the time does not explain, instead of refusing."`
	Examples int  `help:"How many texts to name for each kind of difference." default:"5"`
	JSON     bool `name:"json" help:"Print the report as JSON."`
}

// settings are those that the flags change, as the environment has them.
func (w whatIfCommand) settings() []string {
	var changed []string
	for name, value := range map[string]string{
		"PROSMS_RETRY_DELAYS": w.RetryDelays, "PROSMS_MAX_RETRIES": w.MaxRetries, "PROSMS_CONFIG": w.Config,
		"PROSMS_QUIET_HOURS": w.QuietHours, "PROSMS_IN_DOUBT_POLICY": w.InDoubtPolicy,
		"PROSMS_BREAKER_WINDOW": w.BreakerWindow, "PROSMS_BREAKER_FAILURE_RATE": w.BreakerFailureRate,
		"PROSMS_BREAKER_MIN_REQUESTS": w.BreakerMinRequests, "PROSMS_BREAKER_CONSECUTIVE": w.BreakerConsecutive,
		"PROSMS_BREAKER_COOLDOWN": w.BreakerCooldown, "PROSMS_BREAKER_PROBES": w.BreakerProbes,
	} {
		if value != "" {
			changed = append(changed, name+"="+value)
		}
	}
	slices.Sort(changed)
	return changed
}

// errNotReproduced refuses to foretell by a policy that does not explain the past.
var errNotReproduced = errors.New("the environment's policy is not the one of the time: give it the settings of then, or leave these out with --allow")

// Run reports what another policy would have decided. It works beside a gateway.
func (w whatIfCommand) Run(ctx context.Context, p process) error {
	changed := w.settings()
	if len(changed) == 0 {
		return errors.New("name what the other policy is: --retry-delays, --max-retries, --config, …")
	}
	if w.Examples < 1 || w.Examples > 1000 {
		return errors.New("--examples: 1 to 1000")
	}
	other, err := loadConfig(slices.Concat(p.Environ, changed))
	if err != nil {
		return fmt.Errorf("reading the other policy:\n%w", err)
	}
	return withReader(ctx, p, func(t tool) error {
		options, err := w.options(ctx, t, other)
		if err != nil {
			return err
		}
		told := newProgress(p.Stderr, "what-if", options.From, options.To)
		options.Progress = told.at
		report, err := whatif.Run(ctx, options)
		told.end()
		if err != nil {
			return err
		}
		refused := report.Unreproduced > 0 && !w.Allow
		switch {
		case w.JSON:
			encoder := json.NewEncoder(p.Stdout)
			encoder.SetIndent("", "  ")
			err = encoder.Encode(whatIfReport{Refused: refused, Settings: changed, Report: report})
		default:
			err = printWhatIf(p.Stdout, report, changed, refused)
		}
		if err == nil && refused {
			err = errNotReproduced
		}
		return err
	})
}

func (w whatIfCommand) options(ctx context.Context, t tool, other Config) (whatif.Options, error) {
	from, _, err := momentOf(ctx, t, "--since", w.Since)
	if err != nil {
		return whatif.Options{}, err
	}
	head, err := t.stores.events.Head(ctx)
	if err != nil {
		return whatif.Options{}, err
	}
	to, until := head.LastPosition, time.Now().UTC()
	if w.Until != "" {
		if to, until, err = momentOf(ctx, t, "--until", w.Until); err != nil {
			return whatif.Options{}, err
		}
	}
	if to < from {
		return whatif.Options{}, errors.New("--until: lies before --since")
	}
	was, err := t.config.policy()
	if err != nil {
		return whatif.Options{}, err
	}
	would, err := other.policy()
	if err != nil {
		return whatif.Options{}, fmt.Errorf("reading the other policy: %w", err)
	}
	return whatif.Options{Store: t.store, From: from, To: to, Until: until, Was: was, Would: would, Examples: w.Examples}, nil
}

// momentOf reads a position, or a time, and returns both; of a position no time.
func momentOf(ctx context.Context, t tool, flag, text string) (int64, time.Time, error) {
	moment, err := projections.ParseAsOf(text)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("%s: a position, or an RFC 3339 date and time with its offset", flag)
	}
	position, err := moment.In(ctx, t.stores.events)
	return position, moment.Time, err
}

// policy is what of the configuration decides about texts.
func (c *Config) policy() (whatif.Policy, error) {
	owners, err := c.owners()
	if err != nil {
		return whatif.Policy{}, err
	}
	providers := commands.Providers{Routes: c.Routes, Owners: owners}
	own := c.ownTerms()
	return whatif.Policy{
		Schedule: c.schedule(),
		Test:     sandboxName,
		Candidates: func(id string, m domain.Message) []string {
			if len(c.Providers) == 0 && !m.Text.Test {
				return []string{sandboxName}
			}
			return providers.Candidates(id, m)
		},
		Quiet:  commands.Hours{Window: c.QuietHours, Rules: c.QuietRules}.Quiet,
		Resend: c.resend,
		Breaker: func(provider string) breaker.Rule {
			if terms, ok := own[provider]; ok {
				return terms.Rule
			}
			return c.breakerRule()
		},
	}, nil
}

// whatIfReport is the report with the policy that it is about.
type whatIfReport struct {
	Refused  bool     `json:"refused"`  // the policy of the time was not reproduced: only what concerns that is meant
	Settings []string `json:"settings"` // of the other policy, where they differ
	*whatif.Report
}
