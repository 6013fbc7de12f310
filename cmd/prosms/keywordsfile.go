package main

import (
	"fmt"

	"github.com/pro-sms/prosms/domain/keywords"
)

// keywordsConfig are words of an installation's own, in any language, beside those
// that are known anyhow.
type keywordsConfig struct {
	Stop  []string `yaml:"stop"`
	Start []string `yaml:"start"`
	Help  []string `yaml:"help"`
}

// words returns them with what is wrong with them.
func (k keywordsConfig) words() (words keywords.Words, faults []error) {
	for _, list := range []struct {
		name   string
		intent keywords.Intent
		words  []string
	}{{"stop", keywords.OptOut, k.Stop}, {"start", keywords.OptIn, k.Start}, {"help", keywords.Help, k.Help}} {
		for i, word := range list.words {
			if err := words.Add(list.intent, word); err != nil {
				faults = append(faults, fmt.Errorf("keywords.%s.%d: %w", list.name, i, err))
			}
		}
	}
	return words, faults
}

func (k keywordsConfig) empty() bool { return len(k.Stop)+len(k.Start)+len(k.Help) == 0 }
