package main

import "fmt"

type versionCommand struct{}

// Run prints the version of the module and the commit it was built from, as far
// as the build knows them.
func (versionCommand) Run(p process) error {
	version, revision := build()
	_, err := fmt.Fprintf(p.Stdout, "prosms %s %s\n", version, revision)
	return err
}
