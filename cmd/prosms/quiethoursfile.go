package main

import (
	"fmt"

	"github.com/pro-sms/prosms/domain/quiethours"
)

// quietHoursConfig is a rule beside those of domain/quiethours/regions.csv. It can
// narrow what they and PROSMS_QUIET_HOURS allow, and not widen it.
type quietHoursConfig struct {
	To       []string `yaml:"to"`        // the beginnings of numbers: "+1215"
	EveryDay string   `yaml:"every_day"` // "09:00-20:00", or none
	Saturday string   `yaml:"saturday"`  // empty: as every day
	Sunday   string   `yaml:"sunday"`
}

// quietRules are all rules, the law's first, with what is wrong with the file's.
func (f providersFile) quietRules() (rules quiethours.Rules, faults []error) {
	rules = quiethours.Regions()
	for i, q := range f.QuietHours {
		if len(q.To) == 0 {
			faults = append(faults, fmt.Errorf("quiet_hours.%d.to: the beginnings of numbers", i))
		}
		for _, prefix := range q.To {
			if !numberPrefix.MatchString(prefix) {
				faults = append(faults, fmt.Errorf(`quiet_hours.%d.to: the beginnings of numbers, such as "+44"`, i))
			}
		}
		week, err := quiethours.ParseWeek(q.EveryDay, q.Saturday, q.Sunday)
		if err != nil {
			faults = append(faults, fmt.Errorf("quiet_hours.%d: %w, or none", i, err))
		}
		rules = append(rules, quiethours.Rule{Prefixes: q.To, Week: week})
	}
	return rules, faults
}
