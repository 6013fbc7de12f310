// Package porttest holds the conformance suites of the contracts in ports: one
// function per contract, one subtest per law, named as the law.
package porttest
