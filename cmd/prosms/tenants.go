package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain/phone"
	"github.com/pro-sms/prosms/ports"
)

// tenantConfig is what PROSMS_CONFIG says of one tenant.
type tenantConfig struct {
	Numbers       []string `yaml:"numbers"`        // ours; what is texted to them is the tenant's
	DailyMessages *int64   `yaml:"daily_messages"` // nil: PROSMS_DAILY_MESSAGES; 0: any number
	DailySegments *int64   `yaml:"daily_segments"` // nil: PROSMS_DAILY_SEGMENTS; 0: any number
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
	}
	return faults
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
