package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pro-sms/prosms/adapters/web"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/domain/segments"
	"github.com/pro-sms/prosms/ports"
	"github.com/pro-sms/prosms/projections"
)

// tenantConfig is what PROSMS_CONFIG says of one tenant.
type tenantConfig struct {
	Numbers       []string `yaml:"numbers"`        // ours; what is texted to them is the tenant's
	DailyMessages *int64   `yaml:"daily_messages"` // nil: PROSMS_DAILY_MESSAGES; 0: any number
	DailySegments *int64   `yaml:"daily_segments"` // nil: PROSMS_DAILY_SEGMENTS; 0: any number
	OptOutReply   *string  `yaml:"opt_out_reply"`  // nil: PROSMS_OPT_OUT_REPLY; empty: none
	HelpReply     *string  `yaml:"help_reply"`     // nil: PROSMS_HELP_REPLY; empty: none
}

// mostPerDay bounds what a cap can be set to.
const mostPerDay = 1_000_000_000

// checkTenants finds what is wrong with the tenants.
func (f providersFile) checkTenants() []error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(f.Tenants)) {
		t := f.Tenants[name]
		if !commands.ValidTenant(name) {
			faults = append(faults, fmt.Errorf("tenants: a name is 1 to 64 letters, digits, '-', '_' or '.'"))
			continue
		}
		for i, number := range t.Numbers {
			if sender, err := phone.ParseSender(number); err != nil || sender != number {
				faults = append(faults, fmt.Errorf("tenants.%s.numbers.%d: a number of ours as the provider reports it, such as +14155550100 or a short code", name, i))
			}
		}
		for setting, most := range map[string]*int64{"daily_messages": t.DailyMessages, "daily_segments": t.DailySegments} {
			if most != nil && (*most < 0 || *most > mostPerDay) {
				faults = append(faults, fmt.Errorf("tenants.%s.%s: a whole number from 0 to %d", name, setting, mostPerDay))
			}
		}
		for setting, body := range map[string]*string{"opt_out_reply": t.OptOutReply, "help_reply": t.HelpReply} {
			if body == nil {
				continue
			}
			if err := checkReply(*body); err != nil {
				faults = append(faults, fmt.Errorf("tenants.%s.%s: %w", name, setting, err))
			}
		}
	}
	return faults
}

// replies are what tenants answer to keywords.
func (c *Config) replies() commands.Replies {
	replies := commands.Replies{Reply: c.Reply, Own: map[string]commands.Reply{}}
	for name, t := range c.Tenants {
		own := c.Reply
		if t.OptOutReply != nil {
			own.OptOut = *t.OptOutReply
		}
		if t.HelpReply != nil {
			own.Help = *t.HelpReply
		}
		replies.Own[name] = own
	}
	return replies
}

// checkReply refuses what can be sent to nobody as a reply; empty: there is none.
func checkReply(body string) error {
	if body != "" && segments.Check(segments.Normalise(body)) != nil {
		return errors.New("a text of at most 1,600 characters")
	}
	return nil
}

// reply sets the text of a reply.
func reply(p *string) func(string) error {
	return func(body string) error {
		*p = body
		return checkReply(body)
	}
}

// quotas are the caps of tenants that have some of their own.
func (c *Config) ownQuotas() map[string]ports.Usage {
	own := map[string]ports.Usage{}
	for name, t := range c.Tenants {
		limit := c.dailyQuota()
		if t.DailyMessages != nil {
			limit.Messages = *t.DailyMessages
		}
		if t.DailySegments != nil {
			limit.Segments = *t.DailySegments
		}
		own[name] = limit
	}
	return own
}

func (c *Config) dailyQuota() ports.Usage {
	return ports.Usage{Messages: int64(c.DailyMessages), Segments: int64(c.DailySegments)}
}

// mappedNumbers are the tenants of each number of ours, in the order of their names.
func (c *Config) mappedNumbers() map[string][]string {
	numbers := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		for _, number := range c.Tenants[name].Numbers {
			if !slices.Contains(numbers[number], name) {
				numbers[number] = append(numbers[number], name)
			}
		}
	}
	return numbers
}

// tenantFacts say what holds for each tenant that PROSMS_CONFIG names, in the order of
// their names.
func (c *Config) tenantFacts() []web.Fact {
	replies := c.replies()
	var facts []web.Fact
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		limit, reply := c.ownQuotas()[name], replies.Own[name]
		facts = append(facts, web.Fact{Name: "Tenant " + name, Value: strings.Join([]string{
			atMost(limit.Messages, "message"), atMost(limit.Segments, "segment"), projections.Several(len(c.Tenants[name].Numbers), "number") + " of its own",
			"opt-outs are " + which(reply.OptOut != "", "", "not ") + "confirmed", "HELP is " + which(reply.Help != "", "", "not ") + "answered",
		}, "; ")})
	}
	return facts
}

// atMost is a daily cap in words.
func atMost(most int64, what string) string {
	if most == 0 {
		return "any number of " + what + "s a day"
	}
	return "at most " + projections.Several(int(most), what) + " a day"
}
