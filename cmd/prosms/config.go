package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pro-sms/prosms/adapters/oidc"
	"github.com/pro-sms/prosms/adapters/web"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/domain"
	"github.com/pro-sms/prosms/domain/breaker"
	"github.com/pro-sms/prosms/domain/fuse"
	"github.com/pro-sms/prosms/domain/keywords"
	"github.com/pro-sms/prosms/domain/quiethours"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

// Config is everything that can be set. Only this package reads the environment.
type Config struct {
	DatabaseURL string
	RabbitMQURL string
	BusPrefix   string
	RedisURL    string

	TwilioAccountSID string
	TwilioAuthToken  ports.Secret
	TwilioFrom       string
	TwilioService    string
	TwilioBaseURL    string
	TwilioRedact     string // "off", "body", "delete"
	RedactAfter      time.Duration
	RedactUnanswered time.Duration
	ProvidersFile    string
	SecretsEvery     time.Duration
	Providers        []ProviderConfig // all of them, the environment's Twilio first; none: the sandbox
	Routes           []domain.Route

	HTTPAddr  string
	AdminAddr string
	AdminURL  string
	PublicURL string
	LogFormat string
	LogLevel  string

	FlightRecorder bool

	Region              string
	RetryDelays         []time.Duration
	MaxRetries          int
	ProviderTimeout     time.Duration
	ReconcileDelays     []time.Duration
	ReconcileDelaysHigh []time.Duration
	ReceiptDelays       []time.Duration
	InDoubtPolicy       string // "resend", "hold" or empty: by lane
	QuietHours          quiethours.Window
	DefaultTenant       string
	Reply               commands.Reply
	WebhookAllowPrivate bool
	WebhookRetryDelays  []time.Duration
	WebhookKeep         time.Duration
	RatePerKey          int
	RatePerTenant       int
	RatePerIP           int
	TrustedProxies      []netip.Prefix
	Concurrency         int
	ProviderPerSecond   int
	SenderPerSecond     int
	DailyMessages       int
	DailySegments       int
	Tenants             map[string]tenantConfig
	FuseMode            string // "off", "report" or "pause"
	Fuse                fuse.Rule
	Keywords            keywords.Words
	QuietRules          quiethours.Rules
	Breaker             breaker.Rule
	MasterKey           MasterKey
	MasterKeyPrevious   MasterKey
	Retention           time.Duration // of bodies; 0: for ever
	HeadKey             audit.Signer  // the zero Signer: heads are not signed
	HeadFile            string
	HeadURL             string
	Archives            string // folder
	DatabaseConns       int
	StartTimeout        time.Duration
	ShutdownDelay       time.Duration
	OTLPEndpoint        string // only whether it is set: the SDK reads it, and all other OTEL_… variables

	OIDC           oidc.Config // without Issuer: nobody signs in elsewhere
	PasswordSignIn bool

	environ       map[string]string // for following references anew: see reread
	providersFile []byte            // its content at the start

	shown []web.Setting // all of them for the admin pages, without secrets
}

// setting is one variable of the environment.
type setting struct {
	name  string
	def   string
	set   func(value string) error
	about string

	secret bool // may be a reference: see references
}

// settings lists every variable, as .env.example does, in the same order.
func (c *Config) settings() []setting {
	return []setting{
		{"DATABASE_URL", "sqlite://prosms.db", text(&c.DatabaseURL), "postgres://user:password@host:5432/name or sqlite:///path/file.db; a primary and its standby: a:5432,b:5432/name?target_session_attrs=read-write", true},
		{"RABBITMQ_URL", "", text(&c.RabbitMQURL), "amqp://user:password@host:5672/vhost; the nodes of a cluster, which are tried in turn: a:5672,b:5672,c:5672/vhost; empty: the bus is in this process (one instance only)", true},
		{"REDIS_URL", "", text(&c.RedisURL), "redis://host:6379/0; empty: limits are counted in this process (one instance only)", true},
		{"TWILIO_ACCOUNT_SID", "", text(&c.TwilioAccountSID), "without it texts go to the sandbox, and to nobody's phone", false},
		{"TWILIO_AUTH_TOKEN", "", secret(&c.TwilioAuthToken), "the primary token: it signs Twilio's callbacks", true},
		{"TWILIO_FROM", "", text(&c.TwilioFrom), "default sender", false},
		{"TWILIO_MESSAGING_SERVICE_SID", "", text(&c.TwilioService), "sends instead of TWILIO_FROM", false},
		{"TWILIO_API_BASE_URL", "https://api.twilio.com", text(&c.TwilioBaseURL), "another server that speaks Twilio's API", false},
		{"PROSMS_TWILIO_REDACT", "off", oneOf(&c.TwilioRedact, "off", "body", "delete"), "what Twilio is asked to keep no longer once a text has ended, of all texts in the log: its body, or (delete) the whole record with its number, as always of people who are forgotten; off: neither", false},
		{"PROSMS_TWILIO_REDACT_AFTER", "90s", duration(&c.RedactAfter, time.Second, 30*24*time.Hour), "how long after its end; Twilio wants a minute", false},
		{"PROSMS_TWILIO_REDACT_UNANSWERED", "72h", duration(&c.RedactUnanswered, time.Second, 365*24*time.Hour), "how long after it was sent a text has its turn whose receipt never came; longer than all of PROSMS_RECEIPT_DELAYS", false},
		{"PROSMS_CONFIG", "", text(&c.ProvidersFile), "a YAML file with more providers, and routes: see deploy/providers.example.yml", false},
		{"PROSMS_SECRETS_REFRESH", "5m", duration(&c.SecretsEvery, 10*time.Second, 24*time.Hour), "how often the providers' secrets are read anew where they are references; a 401 has them read at once; those of database, broker and cache are read for new connections", false},
		{"PROSMS_HTTP_ADDR", ":8080", text(&c.HTTPAddr), "the API and the webhooks", false},
		{"PROSMS_ADMIN_ADDR", "127.0.0.1:8081", text(&c.AdminAddr), "admin pages, metrics, health and profiles; keep it private", false},
		{"PROSMS_ADMIN_URL", "", text(&c.AdminURL), "the URL under which operators reach PROSMS_ADMIN_ADDR, for links and single sign-on; empty: as each request has it", false},
		{"PROSMS_PASSWORD_SIGN_IN", "true", boolean(&c.PasswordSignIn), "false: operators come in by PROSMS_OIDC_ISSUER alone", false},
		{"PROSMS_OIDC_ISSUER", "", text(&c.OIDC.Issuer), "an OpenID Connect provider at which operators sign in, such as https://login.example.com, exactly as it calls itself; PROSMS_ADMIN_URL with /oidc/callback is the redirect URI; empty: none", false},
		{"PROSMS_OIDC_CLIENT_ID", "", text(&c.OIDC.ClientID), "under which the provider knows these pages", false},
		{"PROSMS_OIDC_CLIENT_SECRET", "", secret(&c.OIDC.ClientSecret), "that the provider gave for it; empty: a public client, which PKCE alone protects", true},
		{"PROSMS_OIDC_SCOPES", "openid email", scopes(&c.OIDC.Scopes), "what the provider is asked for, with spaces; some need another one for groups", false},
		{"PROSMS_OIDC_NAME_CLAIM", "email", text(&c.OIDC.NameClaim), "the claim that is an operator's name; email counts where it is verified", false},
		{"PROSMS_OIDC_ROLE_CLAIM", "groups", text(&c.OIDC.RoleClaim), "the claim of the ID token that says who somebody is: a text or a list; a.b is b within a", false},
		{"PROSMS_OIDC_ROLES", "", grants(&c.OIDC.Roles), "which of its values gives which role, such as admin=sms-admins;operator=support;viewer=staff; the highest counts, and without one there is no access", false},
		{"PROSMS_OIDC_EMAIL_DOMAINS", "", domains(&c.OIDC.Domains), "whose verified addresses alone may come in, such as example.com,example.org; empty: any", false},
		{"PROSMS_PUBLIC_URL", "", text(&c.PublicURL), "the URL under which providers reach PROSMS_HTTP_ADDR; empty: no status callbacks", false},
		{"PROSMS_DEFAULT_REGION", "", region(&c.Region), "for numbers without +, such as US; empty: they are refused", false},
		{"PROSMS_RETRY_DELAYS", "30s,5m,30m,1h,2h", durations(&c.RetryDelays), "before each retry; the last holds for all further ones", false},
		{"PROSMS_MAX_RETRIES", "5", number(&c.MaxRetries, 0, 20), "after the first attempt", false},
		{"PROSMS_PROVIDER_TIMEOUT", "30s", duration(&c.ProviderTimeout, time.Second, 2*time.Minute), "of one provider call", false},
		{"PROSMS_RECONCILE_DELAYS", "60s,2m,5m", durations(&c.ReconcileDelays), "when an attempt in doubt is looked up", false},
		{"PROSMS_RECONCILE_DELAYS_HIGH", "5s,15s,60s", durations(&c.ReconcileDelaysHigh), "the same for lane high", false},
		{"PROSMS_RECEIPT_DELAYS", "15m,1h,24h", durations(&c.ReceiptDelays), "when the provider is asked about a text whose receipt has not come", false},
		{"PROSMS_IN_DOUBT_POLICY", "", oneOf(&c.InDoubtPolicy, "", "resend", "hold"), "when no look-up showed a trace: resend or hold; empty: resend for lanes high and normal, hold for bulk", false},
		{"PROSMS_QUIET_HOURS", "09:00-20:00", window(&c.QuietHours), "recipient's local time in which texts of kind marketing may be sent, in every zone that the number may be in", false},
		{"PROSMS_DEFAULT_TENANT", "", tenant(&c.DefaultTenant), "whose a text to us is when none has texted its sender; empty: nobody's, and its opt-out holds for every tenant", false},
		{"PROSMS_OPT_OUT_REPLY", "", reply(&c.Reply.OptOut), "the one text that confirms an opt-out by text where the provider does not, as Twilio does after STOP, but not after other words; empty: none", false},
		{"PROSMS_HELP_REPLY", "", reply(&c.Reply.Help), "the text that answers HELP and the like where the provider does not; empty: none", false},
		{"PROSMS_WEBHOOK_RETRY_DELAYS", "5s,30s,2m,10m,30m,1h,2h,3h,4h,6h,8h", durations(&c.WebhookRetryDelays), "before each further attempt at a customer's webhook; then it is dead", false},
		{"PROSMS_WEBHOOK_KEEP", "720h", duration(&c.WebhookKeep, 0, 10*365*24*time.Hour), "how long posts to customers' webhooks are listed after their event; 0: for ever", false},
		{"PROSMS_WEBHOOK_ALLOW_PRIVATE", "false", boolean(&c.WebhookAllowPrivate), "true: customers' webhooks may be http:// and lead to private addresses; whoever has a key can then reach what this machine can", false},
		{"PROSMS_RATE_PER_KEY", "100", number(&c.RatePerKey, 0, 1_000_000), "requests a second of one API key, bursts of twice that; 0: unlimited", false},
		{"PROSMS_RATE_PER_TENANT", "0", number(&c.RatePerTenant, 0, 1_000_000), "requests a second of all keys of one tenant together; 0: unlimited", false},
		{"PROSMS_RATE_PER_IP", "50", number(&c.RatePerIP, 0, 1_000_000), "unauthenticated requests a second of one address; 0: unlimited", false},
		{"PROSMS_TRUSTED_PROXIES", "", networks(&c.TrustedProxies), "networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8,2001:db8::/32; empty: none", false},
		{"PROSMS_DAILY_MESSAGES", "0", number(&c.DailyMessages, 0, mostPerDay), "texts that each tenant may have accepted in a day of UTC, test keys' aside; PROSMS_CONFIG may say otherwise of one; 0: any number", false},
		{"PROSMS_DAILY_SEGMENTS", "0", number(&c.DailySegments, 0, mostPerDay), "the same in segments, which is what providers charge for", false},
		{"PROSMS_PUMPING_FUSE", "report", oneOf(&c.FuseMode, "off", "report", "pause"), "what happens when texts to ever new numbers of one prefix hardly arrive (SMS pumping): off, report (event, metric, alert), or pause: new texts to the prefix are refused with 429 prefix_paused, and accepted ones wait", false},
		{"PROSMS_PUMPING_TEXTS", "50", number(&c.Fuse.Texts, 5, 1000), "a tenant's texts to as many different numbers of a prefix make a sample that is judged", false},
		{"PROSMS_PUMPING_WINDOW", "1h", duration(&c.Fuse.Window, time.Minute, 24*time.Hour), "within which they have to be sent to make one", false},
		{"PROSMS_PUMPING_WAIT", "10m", duration(&c.Fuse.Wait, time.Second, 24*time.Hour), "how long after its last text a sample is judged: receipts come within it; without PROSMS_PUBLIC_URL at least 5m more than the first of PROSMS_RECEIPT_DELAYS", false},
		{"PROSMS_PUMPING_SHARE", "0.3", share(&c.Fuse.Share), "share of delivered texts below which a sample looks pumped, provided that receipts come for others", false},
		{"PROSMS_PUMPING_PAUSE", "1h", duration(&c.Fuse.Pause, time.Minute, fuse.MaxPause), "for how long; doubles while it looks so again, up to 24h; prosms fuse lift ends it", false},
		{"PROSMS_PUMPING_DIGITS", "4", number(&c.Fuse.Digits, 3, 7), "last digits of a number that are not in its prefix: 4 makes prefixes of 10,000 numbers, the smallest that operators are given", false},
		{"PROSMS_PUMPING_EXEMPT", "", prefixes(&c.Fuse.Exempt), "beginnings of numbers that are not watched, such as +44,+4930: where carriers give no receipts; empty: none", false},
		{"PROSMS_DISPATCH_CONCURRENCY", "128", number(&c.Concurrency, 1, 10_000), "provider calls in flight in this instance", false},
		{"PROSMS_PROVIDER_MPS", "0", number(&c.ProviderPerSecond, 0, 1_000_000), "messages a second to one provider, of all instances together; 0: unlimited", false},
		{"PROSMS_SENDER_MPS", "0", number(&c.SenderPerSecond, 0, 1_000_000), "messages a second from one sender (number, name) by one provider, of all instances together; beyond it they wait; 0: unlimited", false},
		{"PROSMS_BREAKER_WINDOW", "60s", duration(&c.Breaker.Window, time.Second, time.Hour), "over which calls to a provider are counted", false},
		{"PROSMS_BREAKER_FAILURE_RATE", "0.5", share(&c.Breaker.FailureRate), "share of failures in the window above which a provider is left alone", false},
		{"PROSMS_BREAKER_MIN_REQUESTS", "20", number(&c.Breaker.MinRequests, 1, 1_000_000), "calls in the window below which the share says nothing", false},
		{"PROSMS_BREAKER_CONSECUTIVE", "10", number(&c.Breaker.Consecutive, 1, 1_000_000), "failures in a row after which a provider is left alone", false},
		{"PROSMS_BREAKER_COOLDOWN", "30s", duration(&c.Breaker.Cooldown, 100*time.Millisecond, time.Hour), "before probes; doubles while they fail, up to eight times and 5m", false},
		{"PROSMS_BREAKER_PROBES", "3", number(&c.Breaker.Probes, 1, 1000), "calls that decide whether a provider is back", false},
		{"PROSMS_MASTER_KEY", "", masterKey(&c.MasterKey), "32 bytes in base64 that wrap the database's keys; empty: those in the file master-key beside a SQLite database, else keys are kept unwrapped", true},
		{"PROSMS_MASTER_KEY_PREVIOUS", "", masterKey(&c.MasterKeyPrevious), "the master key before, until prosms master-key rotate has wrapped every key by the present one", true},
		{"PROSMS_RETENTION", "0", retention(&c.Retention), "how long after its day the body of a text can be read, such as 720h; what may still be sent is kept longer; 0: for ever", false},
		{"PROSMS_HEAD_KEY", "", headKey(&c.HeadKey), "signs the head of the log each minute that it grows, see prosms audit key; empty: nothing is signed", true},
		{"PROSMS_HEAD_FILE", "", text(&c.HeadFile), "to which signed heads are appended, best on another machine; empty, as PROSMS_HEAD_URL is: they are logged", false},
		{"PROSMS_HEAD_URL", "", text(&c.HeadURL), "to which signed heads are posted (text/plain), each until it is answered with 2xx or there is a later one", true},
		{"PROSMS_ARCHIVES", "", text(&c.Archives), "folder of the archives that payloads were detached to: views are made again, the log is verified and exported with them; empty: without", false},
		{"PROSMS_RABBITMQ_PREFIX", "", text(&c.BusPrefix), "before the name of every exchange and queue, so that installations can share a vhost", false},
		{"PROSMS_DATABASE_CONNECTIONS", "20", number(&c.DatabaseConns, 8, 1000), "to PostgreSQL from this instance's pool at most; it holds three more to listen and to lead", false},
		{"PROSMS_START_TIMEOUT", "2m", duration(&c.StartTimeout, time.Second, time.Hour), "how long serve waits for a database that does not answer yet", false},
		{"PROSMS_SHUTDOWN_DELAY", "0s", duration(&c.ShutdownDelay, 0, time.Minute), "how long an instance with role api goes on serving after SIGTERM, while /readyz says 503: until balancers, and whoever else asks it, send nothing any more", false},
		{"PROSMS_LOG_FORMAT", "auto", oneOf(&c.LogFormat, "auto", "pretty", "text", "json"), "pretty, text or json; auto: pretty on a terminal, in colour unless NO_COLOR is set, and text elsewhere", false},
		{"PROSMS_LOG_LEVEL", "info", oneOf(&c.LogLevel, "debug", "info", "warn", "error"), "debug, info, warn or error", false},
		{"PROSMS_FLIGHT_RECORDER", "false", boolean(&c.FlightRecorder), "true: keep the last seconds of the runtime's trace, for /debug/flight of PROSMS_ADMIN_ADDR; it costs a twentieth of the CPU", false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "", text(&c.OTLPEndpoint), "where traces go, over http/protobuf, such as http://localhost:4318; empty: nothing is traced; other OTEL_ variables hold as well", false},
	}
}

// loadConfig reads the environment and names all that is wrong with it together.
// It quotes no value: some are secrets.
func loadConfig(environ []string) (Config, error) {
	var c Config
	given := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		given[name] = value
	}
	ctx, cancel := context.WithTimeout(context.Background(), referencesTimeout)
	defer cancel()
	c.environ = given
	refs := newReferences(ctx, given)
	var faults []error
	for _, s := range c.settings() {
		value, origin := given[s.name], "environment"
		if value == "" {
			value, origin = s.def, "default"
		}
		if beside := masterKeyBeside(c.DatabaseURL); s.name == "PROSMS_MASTER_KEY" && value == "" && beside != "" {
			value, origin = "file:"+beside, "beside the database"
		}
		c.shown = append(c.shown, web.Setting{Name: s.name, Value: shownAs(s, value), Origin: origin, About: s.about})
		err := error(nil)
		if s.secret {
			value, err = refs.follow(value)
		}
		if err == nil {
			err = s.set(value)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	faults = append(faults, c.misspelt(given)...)
	c.PublicURL, c.AdminURL = strings.TrimRight(c.PublicURL, "/"), strings.TrimRight(c.AdminURL, "/")
	c.OIDC.RedirectURL = c.AdminURL + "/oidc/callback"
	faults = append(faults, c.check()...)
	faults = append(faults, c.loadProviders(refs)...)
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return c, errors.Join(faults...)
}

// check finds what is wrong with settings together.
func (c *Config) check() []error {
	var faults []error
	given := func(name string) bool { return c.environ[name] != "" } // what it refers to may not be readable, which is a fault of its own
	if given("TWILIO_ACCOUNT_SID") != given("TWILIO_AUTH_TOKEN") {
		faults = append(faults, errors.New("TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN: set both or neither"))
	}
	if c.TwilioAccountSID != "" && c.TwilioFrom == "" && c.TwilioService == "" {
		faults = append(faults, errors.New("TWILIO_FROM, TWILIO_MESSAGING_SERVICE_SID: set one of them"))
	}
	if c.TwilioRedact != "off" && len(c.ReceiptDelays) > 0 && c.RedactUnanswered <= slices.Max(c.ReceiptDelays) {
		faults = append(faults, errors.New("PROSMS_TWILIO_REDACT_UNANSWERED: longer than the last of PROSMS_RECEIPT_DELAYS, when Twilio is asked about it"))
	}
	if (c.HeadFile != "" || given("PROSMS_HEAD_URL")) && !given("PROSMS_HEAD_KEY") {
		faults = append(faults, errors.New("PROSMS_HEAD_FILE, PROSMS_HEAD_URL: need PROSMS_HEAD_KEY"))
	}
	unread := c.DatabaseURL == "" && given("DATABASE_URL")
	if !unread && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") && !strings.HasPrefix(c.DatabaseURL, "sqlite://") {
		faults = append(faults, errors.New("DATABASE_URL: begins with postgres:// or sqlite://"))
	}
	faults = append(faults, c.checkSignIn()...)
	for name, value := range map[string]string{"PROSMS_PUBLIC_URL": c.PublicURL, "PROSMS_ADMIN_URL": c.AdminURL, "PROSMS_OIDC_ISSUER": c.OIDC.Issuer, "TWILIO_API_BASE_URL": c.TwilioBaseURL, "PROSMS_HEAD_URL": c.HeadURL} {
		if value != "" && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://") {
			faults = append(faults, fmt.Errorf("%s: begins with https:// or http://", name))
		}
	}
	return faults
}

// schedule is the retry schedule of the domain.
func (c *Config) schedule() domain.RetrySchedule {
	return domain.RetrySchedule{Delays: c.RetryDelays, Max: c.MaxRetries}
}

// breakerRule is when a provider is left alone. A probe counts as lost when its
// outcome is certain to be known.
func (c *Config) breakerRule() breaker.Rule {
	rule := c.Breaker
	rule.Lease = c.ProviderTimeout + 15*time.Second
	return rule
}

// reconcileDelays returns when doubts of a lane are looked up.
func (c *Config) reconcileDelays(lane domain.Lane) []time.Duration {
	if lane == domain.High {
		return c.ReconcileDelaysHigh
	}
	return c.ReconcileDelays
}

// resend is the policy for a doubt of which no look-up showed a trace.
func (c *Config) resend(lane domain.Lane, canLookUp bool) bool {
	switch c.InDoubtPolicy {
	case "resend":
		return true
	case "hold":
		return false
	}
	return canLookUp && lane != domain.Bulk
}
