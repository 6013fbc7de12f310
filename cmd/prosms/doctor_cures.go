package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/ports"
)

// Cures that several checks have: commands to type, where the same variables are set
// as for the gateway.
const (
	cureMigration = "prosms migrate up   # as the owner, with the newer of both versions"
	cureRights    = `psql "$OWNER_URL" -c 'REVOKE ALL ON events, commits FROM prosms_app, PUBLIC; GRANT SELECT ON events, commits TO prosms_app'`
	cureLogin     = `psql "$OWNER_URL" -c "CREATE ROLE prosms_gateway LOGIN PASSWORD '…' IN ROLE prosms_app"   # and have DATABASE_URL log in as it; the owner is for: prosms migrate up`
	cureClock     = "timedatectl set-ntp true   # here and at the database"
	cureDisk      = "pg_test_fsync   # compares disks: put the log on the quickest, as every text waits for one"
	cureBroker    = `rabbitmq-diagnostics status   # if that is well, check RABBITMQ_URL; rabbitmqctl enable_feature_flag all; a queue with other arguments: drain it, and rabbitmqctl delete_queue NAME`
	cureAlarm     = "rabbitmq-diagnostics alarms   # free the memory or the disk that it names"
	cureShared    = "PROSMS_RABBITMQ_PREFIX=…   # another for each installation, or a vhost of its own; what was taken by the wrong one is issued again"
	curePolicies  = "rabbitmqctl list_policies   # then rabbitmqctl clear_policy NAME, or let its pattern leave out sms.*"
	cureCache     = `redis-cli -u "$REDIS_URL" ping   # check REDIS_URL, and that the server runs`
	cureCallback  = `curl -i "$PROSMS_PUBLIC_URL/livez"   # the gateway runs; PROSMS_PUBLIC_URL is exactly what callers see (scheme, host, port); proxies pass path, query and body on unchanged`
	curePublic    = "PROSMS_PUBLIC_URL=https://…   # the URL under which providers reach PROSMS_HTTP_ADDR"
	cureProvider  = "TWILIO_ACCOUNT_SID=… TWILIO_AUTH_TOKEN=… TWILIO_FROM=…   # or PROSMS_CONFIG: see deploy/providers.example.yml"
	cureTest      = `curl "$PROSMS_PUBLIC_URL/v1/messages" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"to":"+…","body":"test"}'   # to yourself`
)

// cureCredentials says where those of a provider are set.
func cureCredentials(c Config, p ProviderConfig) string {
	if c.TwilioAccountSID != "" && p.Name == twilio.DefaultName {
		return "TWILIO_ACCOUNT_SID=… TWILIO_AUTH_TOKEN=…   # account and token as the provider's console shows them"
	}
	return fmt.Sprintf(`"$EDITOR" "$PROSMS_CONFIG"   # provider %s: its account and token as its console shows them`, p.Name)
}

// cureStore says what mends a database that cannot be opened.
func cureStore(local bool, err error) string {
	switch {
	case errors.Is(err, postgres.ErrSchema):
		return cureMigration
	case local:
		return "ls -ld \"$(dirname FILE)\"   # the folder of DATABASE_URL exists and is ours; prosms migrate up makes the file"
	case errors.Is(err, ports.ErrUnavailable):
		return `pg_isready -d "$DATABASE_URL"   # check DATABASE_URL, and that the server runs and listens`
	}
	return `psql "$DATABASE_URL" -c 'SELECT 1'   # says what is wrong with the login`
}

// cureGrants gives rights back to the application's role.
func cureGrants(missing []string) string {
	return `psql "$OWNER_URL" -c '` + "GRANT " + strings.Join(missing, " TO prosms_app; GRANT ") + " TO prosms_app'"
}

// cureSettings switches settings on.
func cureSettings(names []string) string {
	var b strings.Builder
	b.WriteString(`psql "$OWNER_URL"`)
	for _, name := range names {
		fmt.Fprintf(&b, " -c 'ALTER SYSTEM SET %s = on'", name)
	}
	return b.String() + " -c 'SELECT pg_reload_conf()'   # otherwise a crash, or a failover, loses texts that were answered with 202"
}
