package main

import (
	"errors"
	"strings"
)

// checkReason refuses what is no reason for the log, and takes space from around it.
func checkReason(reason *string) error {
	if *reason = strings.TrimSpace(*reason); *reason == "" || len(*reason) > 200 {
		return errors.New("--reason: 1 to 200 characters")
	}
	return nil
}
