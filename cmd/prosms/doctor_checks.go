package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/adapters/postgres"
	"github.com/pro-sms/prosms/adapters/rabbitmq"
	"github.com/pro-sms/prosms/adapters/twilio"
	"github.com/pro-sms/prosms/ports"
)

// Beyond these a clock, or a disk, gets a warning.
const (
	worryingSkew = time.Second
	worryingSync = 20 * time.Millisecond // a commit's; all texts of a moment share one
)

// examine makes every check of an installation, in the order in which to mend it.
func (f *findings) examine(ctx context.Context, c Config, log *slog.Logger) {
	f.examineStore(ctx, c, log)
	if c.MasterKey == nil {
		f.add(noted, "master key", "the database's keys are kept unwrapped", "openssl rand -base64 32   # for PROSMS_MASTER_KEY; then: prosms master-key rotate")
	}
	f.examineBroker(ctx, c)
	if c.RedisURL == "" {
		f.add(noted, "Redis", "each instance counts limits by itself", "REDIS_URL=redis://…   # where there are several instances")
	} else {
		f.check("Redis", "", cureCache, pingRedis(ctx, c))
	}
	f.examineProviders(ctx, c)
	f.examinePublicURL(ctx, c)
	f.examineOIDC(ctx, c)
}

func (f *findings) examineStore(ctx context.Context, c Config, log *slog.Logger) {
	path, local := sqlitePath(c.DatabaseURL)
	st, err := openBeside(ctx, c.DatabaseURL, log)
	if local && yetToBeMade(path) {
		f.add(noted, "database and its schema", "the file is yet to be made", "prosms migrate up   # makes it, and so does serve")
		took, err := timeSyncs(filepath.Dir(path))
		f.examineSync(took, err)
		return
	}
	f.check("database and its schema", st.kind, cureStore(local, err), err)
	if err != nil {
		return
	}
	if local || f.examinePostgres(ctx, c) {
		head, err := st.events.Head(ctx)
		f.check("event log", fmt.Sprintf("%d events", head.LastPosition), cureMigration, err)
		if err == nil {
			f.examineArchives(ctx, c, st.events)
		}
	}
	f.check("closing the database", "", cureStore(local, nil), st.close())
	if local {
		took, err := timeSyncs(filepath.Dir(path))
		f.examineSync(took, err)
	}
}

// yetToBeMade reports whether there is no such file, and a folder for it.
func yetToBeMade(path string) bool {
	_, err := os.Stat(path)
	folder, folderErr := os.Stat(filepath.Dir(path))
	return errors.Is(err, os.ErrNotExist) && folderErr == nil && folder.IsDir()
}

// examinePostgres reports whether we have the rights to look further.
func (f *findings) examinePostgres(ctx context.Context, c Config) bool {
	db, err := postgres.Open(ctx, postgres.Config{URL: c.DatabaseURL})
	if err != nil {
		f.check("PostgreSQL", "", cureStore(false, err), err)
		return false
	}
	defer db.Close()
	d, err := db.Diagnose(ctx)
	f.check("PostgreSQL", d.Version, cureStore(false, err), err)
	if err != nil {
		return false
	}
	denied := error(nil)
	if len(d.Allowed) > 0 {
		denied = fmt.Errorf("the application's role is allowed: %s", strings.Join(d.Allowed, "; "))
	}
	f.check("rights: the log can only be read and appended to", "", cureRights, denied)
	if len(d.Missing) > 0 {
		f.add(failing, "rights: what the application needs", "its role lacks "+strings.Join(d.Missing, "; "), cureGrants(d.Missing))
	}
	if d.Owner {
		f.add(noted, "login", "it owns the log: the triggers alone keep it from changing the past", cureLogin)
	}
	if d.Skew.Abs() > worryingSkew {
		f.add(warned, "clock", fmt.Sprintf("the database is %s from this machine", d.Skew.Round(time.Millisecond)), cureClock)
	} else {
		f.add(well, "clock", fmt.Sprintf("%s from the database", d.Skew.Round(time.Millisecond)), "")
	}
	if len(d.Lossy) > 0 {
		f.add(failing, "durability", "not on: "+strings.Join(d.Lossy, ", "), cureSettings(d.Lossy))
	}
	f.examineSync(d.Commits, nil)
	return len(d.Missing) == 0
}

// examineSync judges what durable writes took.
func (f *findings) examineSync(took []time.Duration, err error) {
	if err != nil {
		f.check("disk", "", "df -h; ls -ld   # of the folder of DATABASE_URL: it needs space, and has to be ours", err)
		return
	}
	median, slowest := took[len(took)/2], took[len(took)-1]
	status, detail := well, fmt.Sprintf("a durable commit takes %s, the slowest of %d took %s", median.Round(10*time.Microsecond), len(took), slowest.Round(10*time.Microsecond))
	if median > worryingSync {
		status = warned
	}
	f.add(status, "disk", detail, cureDisk)
}

// timeSyncs syncs a file of its own in folder, as the log is synced.
func timeSyncs(folder string) (took []time.Duration, err error) {
	file, err := os.CreateTemp(folder, ".prosms-doctor-")
	if err != nil {
		return nil, errors.New("no file can be made beside the log")
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	for range 9 {
		began := time.Now()
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// examineBroker connects, compares exchanges and queues with what they have to be, and
// hangs up. It makes none: what is missing serve declares. What their arguments need
// (dead-lettering at least once, delivery limits) a broker that is too old, or has a
// queue with others, refuses. A memory or disk alarm blocks publishing.
func (f *findings) examineBroker(ctx context.Context, c Config) {
	if c.RabbitMQURL == "" {
		f.add(noted, "RabbitMQ", "the bus is in the process: one instance only", "RABBITMQ_URL=amqp://…   # for more")
		return
	}
	const check = "RabbitMQ and its queues"
	config := c.broker()
	config.LookOnly = true
	broker, err := rabbitmq.Open(ctx, config)
	if err != nil {
		f.check(check, "", cureBroker, err)
		return
	}
	defer broker.Close()
	if err := broker.Connected(); err != nil {
		f.check(check, "", cureBroker, err)
		return
	}
	server, err := broker.Server(ctx)
	if err != nil {
		f.check(check, "", cureBroker, err)
		return
	}
	missing, err := broker.Missing(ctx)
	said := server.Product + " " + server.Version
	switch {
	case err != nil:
		f.check(check, "", cureBroker, err)
	case len(missing) > 0:
		f.add(noted, check, fmt.Sprintf("%s; yet to be declared: %s", said, strings.Join(missing, ", ")), "prosms serve   # declares them")
	default:
		depths, err := broker.Depths(ctx)
		f.check(check, fmt.Sprintf("%s, %d queues", said, len(depths)), cureBroker, err)
		f.check("RabbitMQ takes messages", "", cureAlarm, broker.CanPublish(ctx))
		if n := depths[ports.TopicDeadLetter]; n > 0 {
			f.add(warned, "sms.dlq", fmt.Sprintf("%d messages that could not be delivered", n), "prosms serve --roles dispatch   # takes them up one by one")
		}
		if n := depths[ports.TopicUnreadable]; n > 0 {
			f.add(warned, ports.TopicUnreadable, fmt.Sprintf("%d messages that no version running here can read; the log has what is ours", n),
				fmt.Sprintf("rabbitmqctl purge_queue %s%s   # once you have seen whose they are: header %s", c.BusPrefix, ports.TopicUnreadable, headerSetAside))
		}
	}
	f.examineInstallations(ctx, c)
	f.examinePolicies(ctx, c)
}

// examineInstallations looks for another one that uses our queues. That the broker does
// not say who does is told with its policies.
func (f *findings) examineInstallations(ctx context.Context, c Config) {
	found, err := rabbitmq.Installations(ctx, c.RabbitMQURL, c.BusPrefix)
	if err != nil || len(found) < 2 {
		return
	}
	var each []string
	for _, hosts := range found {
		each = append(each, "one from "+strings.Join(hosts, ", "))
	}
	slices.Sort(each)
	f.add(failing, "RabbitMQ and who uses it", fmt.Sprintf("%d installations take each other's frames from the same queues: %s", len(found), strings.Join(each, "; ")), cureShared)
}

// examinePolicies looks for those with which an operator of the broker can make our
// queues lose what is in them.
func (f *findings) examinePolicies(ctx context.Context, c Config) {
	harmful, err := rabbitmq.HarmfulPolicies(ctx, c.RabbitMQURL, c.BusPrefix)
	switch {
	case err != nil:
		f.add(noted, "RabbitMQ policies", "they cannot be read: "+rabbitmq.ErrNoManagement.Error(), "rabbitmqctl list_policies   # none may set expires, message-ttl, max-length or delivery-limit on sms.*; rabbitmq-plugins enable rabbitmq_management lets the doctor look")
	case len(harmful) > 0:
		f.add(failing, "RabbitMQ policies", strings.Join(harmful, "; "), curePolicies)
	default:
		f.add(well, "RabbitMQ policies", "none lets our queues lose anything", "")
	}
}

// examineProviders asks each provider something that costs nothing.
func (f *findings) examineProviders(ctx context.Context, c Config) {
	if len(c.Providers) == 0 {
		f.add(noted, "provider", "none is configured: texts go to the sandbox and reach nobody", cureProvider)
	}
	for _, p := range c.Providers {
		provider, err := c.open(p)
		if err != nil {
			f.check("provider "+p.Name, "", cureCredentials(c, p), err)
			continue
		}
		asked, ok := provider.(interface{ Check(context.Context) error })
		if !ok {
			f.add(noted, "provider "+p.Name, "its credentials show with the first text", cureTest)
			continue
		}
		err = asked.Check(ctx)
		if errors.Is(err, ports.ErrNoLookup) {
			f.add(warned, "provider "+p.Name, "these are test credentials: nothing is sent", "TWILIO_ACCOUNT_SID=… TWILIO_AUTH_TOKEN=…   # the live ones")
			continue
		}
		f.check("provider "+p.Name, "credentials are good", cureCredentials(c, p), err)
	}
}

// examinePublicURL calls a running gateway as providers do: for a message that
// does not exist, so that nothing changes.
func (f *findings) examinePublicURL(ctx context.Context, c Config) {
	if c.PublicURL == "" {
		if len(c.Providers) > 0 {
			f.add(noted, "public URL", "without PROSMS_PUBLIC_URL no receipts will arrive, and no STOP", curePublic)
		}
		return
	}
	if strings.HasPrefix(c.PublicURL, "http://") {
		f.add(noted, "TLS", "callbacks with personal data come over plain http", "PROSMS_PUBLIC_URL=https://…   # and TLS in front")
	}
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // providers follow none either
	}
	for _, p := range c.Providers {
		if p.Twilio == nil {
			continue
		}
		err := callBack(ctx, client, c.PublicURL, p.Twilio.AuthToken)
		f.check("public URL: a signed callback of "+p.Name, "", cureCallback, err)
	}
}

func callBack(ctx context.Context, client *http.Client, publicURL string, token ports.Secret) error {
	target := publicURL + "/webhooks/twilio/status?m=msg_00000000000000000000000000000000&a=1"
	form := url.Values{"MessageSid": {"SM" + strings.Repeat("0", 32)}, "MessageStatus": {"sent"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("not a URL")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Twilio-Signature", twilio.Sign(token, target, form))
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusForbidden:
		return errors.New("the gateway there refuses our signature: it sees another URL, or has another token")
	}
	return fmt.Errorf("answered with %d", response.StatusCode)
}
