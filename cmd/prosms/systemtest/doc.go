// Package systemtest runs prosms as its users do, in processes of its own on real
// servers, breaks what can be broken around it, and holds what the provider, the
// API and the log say afterwards against the guarantees.
package systemtest
