package quiethours

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// regionsCSV has one region in a row; its first lines say where it is from.
//
//go:embed regions.csv
var regionsCSV string

// Rule says when numbers that begin with one of Prefixes may be texted.
type Rule struct {
	Place    string
	Prefixes []string // "+1305"
	Week     Week
}

// Rules narrow the hours of regions. Every rule that a number is under counts.
type Rules []Rule

// Regions are the rules of law that are known here, from regions.csv.
func Regions() Rules {
	reader := csv.NewReader(strings.NewReader(regionsCSV))
	reader.Comment = '#'
	rows, err := reader.ReadAll()
	if err != nil {
		panic(fmt.Sprintf("reading regions.csv: %v", err)) // it is a part of the program
	}
	var rules Rules
	for _, row := range rows[1:] {
		week, err := ParseWeek(row[1], row[2], row[3])
		if err != nil {
			panic(fmt.Sprintf("reading regions.csv: %s: %v", row[0], err))
		}
		rules = append(rules, Rule{Place: row[0], Prefixes: strings.Fields(row[4]), Week: week})
	}
	return rules
}

// ParseWeek reads the window of every day, and those of Saturday and Sunday, empty
// where they are no different. "none" is a day without one.
func ParseWeek(everyDay, saturday, sunday string) (Week, error) {
	w, err := parseDay(everyDay)
	if err != nil {
		return Week{}, err
	}
	week := w.EveryDay()
	for day, text := range map[int]string{6: saturday, 0: sunday} {
		if text == "" {
			continue
		}
		if week[day], err = parseDay(text); err != nil {
			return Week{}, err
		}
	}
	return week, nil
}

func parseDay(text string) (Window, error) {
	if text == "none" {
		return Window{}, nil
	}
	return Parse(text)
}

// Narrow returns what all rules that number is under leave of week: never more.
func (r Rules) Narrow(week Week, number string) Week {
	for _, rule := range r {
		if slices.ContainsFunc(rule.Prefixes, func(prefix string) bool { return strings.HasPrefix(number, prefix) }) {
			week = week.within(rule.Week)
		}
	}
	return week
}
