package main

import "github.com/pro-sms/prosms/projections"

// newProjections lists the views that are kept in step with the log.
func newProjections() []projections.Projection {
	return []projections.Projection{
		projections.Messages(),
		projections.Keys(),
		projections.DeadLetters(),
		projections.Replays(),
	}
}
