package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain/quiethours"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// The parsers of settings. Each returns a function that reads a value into its
// target, with an error that says what is wanted and quotes nothing.

func text(target *string) func(string) error {
	return func(value string) error {
		*target = value
		return nil
	}
}

func secret(target *ports.Secret) func(string) error {
	return func(value string) error {
		*target = ports.Secret(value)
		return nil
	}
}

func oneOf(target *string, allowed ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("one of %s", strings.Trim(strings.Join(allowed, ", "), ", "))
		}
		*target = value
		return nil
	}
}

func boolean(target *bool) func(string) error {
	return func(value string) error {
		*target = value == "true"
		if value != "true" && value != "false" {
			return errors.New("true or false")
		}
		return nil
	}
}

func number(target *int, lowest, highest int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < lowest || n > highest {
			return fmt.Errorf("a whole number from %d to %d", lowest, highest)
		}
		*target = n
		return nil
	}
}

// share reads a number from 0 to 1.
func share(target *float64) func(string) error {
	return func(value string) error {
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return errors.New("a number from 0 to 1, such as 0.5")
		}
		*target = f
		return nil
	}
}

func duration(target *time.Duration, shortest, longest time.Duration) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < shortest || d > longest {
			return fmt.Errorf("a duration from %s to %s, such as 30s", shortest, longest)
		}
		*target = d
		return nil
	}
}

// retention reads how long bodies are kept: 0, or a day and more.
func retention(target *time.Duration) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d != 0 && d < 24*time.Hour || d > 100*366*24*time.Hour {
			return errors.New("0, or a duration of 24h or more, such as 720h")
		}
		*target = d
		return nil
	}
}

// durations reads a comma-separated list of whole seconds that does not decrease.
func durations(target *[]time.Duration) func(string) error {
	const want = "a list of durations in whole seconds that does not decrease, each at most 24h, such as 30s,5m,30m"
	return func(value string) error {
		var list []time.Duration
		for part := range strings.SplitSeq(value, ",") {
			d, err := time.ParseDuration(strings.TrimSpace(part))
			if err != nil || d < time.Second || d > 24*time.Hour || d%time.Second != 0 {
				return errors.New(want)
			}
			list = append(list, d)
		}
		if !slices.IsSorted(list) || len(list) > 20 {
			return errors.New(want)
		}
		*target = list
		return nil
	}
}

func region(target *string) func(string) error {
	return func(value string) error {
		value = strings.ToUpper(value)
		if value != "" && (len(value) != 2 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
			return errors.New("two letters (ISO 3166-1 alpha-2), such as US")
		}
		*target = value
		return nil
	}
}

// prefixes reads a comma-separated list of beginnings of numbers.
func prefixes(target *[]string) func(string) error {
	return func(value string) error {
		var list []string
		for part := range strings.SplitSeq(value, ",") {
			part = strings.TrimSpace(part)
			digits, plus := strings.CutPrefix(part, "+")
			if part == "" && value == "" {
				break
			}
			if !plus || digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
				return errors.New("a list of beginnings of numbers, such as +44,+4930")
			}
			list = append(list, part)
		}
		*target = list
		return nil
	}
}

func window(target *quiethours.Window) func(string) error {
	return func(value string) (err error) {
		*target, err = quiethours.Parse(value)
		return err
	}
}

func tenant(target *string) func(string) error {
	return func(value string) error {
		if value != "" && !commands.ValidTenant(value) {
			return errors.New("1 to 64 letters, digits, '-', '_' or '.'")
		}
		*target = value
		return nil
	}
}

// MasterKey wraps the keys that a database keeps. It prints as stars; empty means none.
type MasterKey []byte

// String returns stars.
func (MasterKey) String() string { return "****" }

// GoString returns stars.
func (MasterKey) GoString() string { return "****" }

func masterKey(target *MasterKey) func(string) error {
	return func(value string) error {
		if value == "" {
			return nil
		}
		key, err := base64.StdEncoding.DecodeString(value)
		if err != nil || len(key) != 32 {
			return errors.New("32 bytes in base64")
		}
		*target = key
		return nil
	}
}

func headKey(target *audit.Signer) func(string) error {
	return func(value string) (err error) {
		if value != "" {
			*target, err = audit.ParseSigner(strings.TrimSpace(value))
		}
		return err
	}
}

// networks reads a list of networks in CIDR notation.
func networks(target *[]netip.Prefix) func(string) error {
	return func(value string) error {
		*target = nil
		for _, text := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) {
			network, err := netip.ParsePrefix(text)
			if err != nil || network.Addr().Is4In6() {
				return errors.New("networks with commas between them, such as 10.0.0.0/8,2001:db8::/32")
			}
			*target = append(*target, network.Masked())
		}
		return nil
	}
}
