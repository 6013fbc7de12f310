package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pro-sms/prosms/adapters/metrics"
	"github.com/pro-sms/prosms/commands"
	"github.com/pro-sms/prosms/projections"
)

// freshTexts is how many texts wait in memory for their first claim, some 20 MB.
const freshTexts = 10_000

type serveCommand struct {
	Roles   []string `help:"What this instance does: api, relay, dispatch, project, schedule." default:"api,relay,dispatch,project,schedule"`
	Migrate bool     `help:"Bring a PostgreSQL database to the schema of this version first."`
}

// Run serves until ctx ends.
func (s serveCommand) Run(ctx context.Context, p process) error {
	config, err := loadConfig(p.Environ)
	if err != nil {
		return fmt.Errorf("reading configuration:\n%w", err)
	}
	if err := checkRoles(s.Roles); err != nil {
		return err
	}
	return serve(ctx, config, options{roles: s.Roles, migrate: s.Migrate, log: newLogger(p.Stderr, config)})
}

// options are what a run of serve is told beyond the configuration.
type options struct {
	roles   roles
	migrate bool // PostgreSQL, before it is opened
	sandbox sandboxOptions
	demo    bool // its operator needs no password
	log     *slog.Logger
	// ready is called once everything runs; nil does nothing.
	ready func(context.Context, gateway) error
}

// shutdownDelay is how long to go on serving requests once it is to stop.
func (o options) shutdownDelay(c Config) time.Duration {
	if !o.roles.has(roleAPI) {
		return 0 // nobody sends any
	}
	return c.ShutdownDelay
}

// gateway is what a running serve can be reached by.
type gateway struct {
	commands *commands.Handler
	queries  projections.Queries
	httpURL  string
	adminURL string
	phoneURL string
	wayIn    string // to the admin pages, once
}

// serve builds everything, in the order it is needed and nowhere else, and runs
// it until ctx ends or a part fails. Then, after PROSMS_SHUTDOWN_DELAY if it takes
// requests, it stops in this order: taking requests, claiming, consuming; it waits for
// the provider calls that it has claimed, and closes what it opened.
func serve(ctx context.Context, c Config, o options) (err error) {
	if c.RabbitMQURL == "" && len(o.roles) < len(allRoles) {
		return errors.New("without RABBITMQ_URL one instance has to have all roles")
	}
	traces, err := openTracing(ctx, c, o.log)
	if err != nil {
		return err
	}
	defer closeTracing(traces, o.log)
	o.log = slog.New(traces.LogHandler(o.log.Handler()))
	measured := metrics.New(traces != nil, o.log)
	listeners, err := listen(ctx, c, o.roles)
	if err != nil {
		return err
	}
	defer listeners.close()
	meanwhile := answerMeanwhile(listeners)
	defer meanwhile.stop()
	logins := newLogins(c, o.log)
	defer logins.close()
	st, err := awaitStores(ctx, c, o.migrate, logins.database, o.log, meanwhile.because)
	if ctx.Err() != nil && st.close == nil {
		return nil // stopped before it began
	}
	if err != nil {
		return err
	}
	st = st.withArchives(c.Archives)
	defer func() { err = errors.Join(err, st.close()) }()
	lookup, err := commands.OpenLookup(ctx, st.keyring, c.master())
	if err != nil {
		return err
	}
	commits := &commands.GroupCommit{EventStore: measured.EventStore(st.events)}
	defer commits.Wait()
	// Who only passes events on, or folds them into views, has the log, in which what
	// is personal is sealed; who decides, sends or shows has the store.
	unreadable := &commands.Unreadables{Log: o.log}
	log := unreadable.In(traces.EventStore(commits))
	sealer := newSealer(c, st, log, lookup)
	sealer.Master.Next = logins.masterKey
	store := unreadable.In(sealer)
	b, err := openBus(ctx, c, lookup.Secret("installation")[:8], logins.broker, o.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	b.Bus = traces.Bus(b.Bus)
	limits, err := openLimits(c, logins.cache, o.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limits.close()) }()

	localURL := listeners.apiURL()
	if c.PublicURL == "" && len(c.Providers) == 0 {
		c.PublicURL = localURL
	}
	o.sandbox.token = cmp.Or(o.sandbox.token, lookup.Secret(sandboxName)) // any instance knows the callbacks of all
	ps, err := newProviders(c, o.sandbox, localURL, o.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ps.close()) }()
	ps = ps.through(measured.Provider).through(traces.Provider)

	handler := &commands.Handler{Store: store, Sealer: sealer, Lookup: lookup, Region: c.Region, PlainCallbacks: c.WebhookAllowPrivate}
	queries := projections.Queries{Store: store, Views: st.views, Unseal: sealer.Unseal, Stored: log, Open: sealer.Open}
	handler.Numbers, handler.Keywords, handler.Replies = c.mappedNumbers(), c.Keywords, c.replies()
	handler.Quotas = newQuotas(c, limits.quota, queries, o.log)
	handler.Refused = tellRefused(measured.Refused, o.log)
	handler.Fuse = newFuse(c, log, limits.seen, o.log)
	gate := &commands.Gate{
		Store: store, Rule: c.breakerRule(), Providers: providerNames(c), Counts: limits.breakers,
		Limiter: limits.Limiter, PerSecond: c.ProviderPerSecond, PerSender: c.SenderPerSecond, InFlight: c.Concurrency,
		Own: c.ownTerms(), Log: o.log,
	}
	foreign := &commands.Foreign{Count: measured.ForeignFrame, Log: o.log}
	dispatcher := &commands.Dispatcher{
		Store: store, Providers: ps.Providers, Gate: gate, Lookup: lookup, Hours: commands.Hours{Window: c.QuietHours, Rules: c.QuietRules},
		Fuse: handler.Fuse, Slots: c.Concurrency, Schedule: c.schedule(), Foreign: foreign.Seen, Log: o.log,
	}
	if o.roles.has(roleDispatch) && o.roles.has(roleAPI) {
		handler.Fresh = commands.NewFresh(freshTexts)
		dispatcher.Fresh = handler.Fresh
	}
	runner := &projections.Runner{Store: log, Views: st.views, Projections: newProjections(lookup), Log: o.log, Foreign: foreign.Seen}
	handler.SentAs = queries.SentAs
	handler.Texted, handler.DefaultTenant = newTexted(c, lookup, log, queries, o.log), c.DefaultTenant
	scheduler := newScheduler(c, store, st, b, ps, gate, queries, runner, o.log)
	eraser := newEraser(c, sealer, runner, queries, o.log)
	replayer := &commands.Replayer{Store: store, Open: openReplays(queries), Log: o.log}
	hooks := newHooks(c, store, log, st.views, lookup, o.log)
	hooks.announcer.Foreign = foreign.Seen
	hooks.courier.Post = traces.Post(measured.Post(hooks.courier.Post))
	lingering, leave := linger(ctx, o.shutdownDelay(c))
	defer leave()
	parts, running := errgroup.WithContext(lingering)
	router, err := newRouter(running, o.roles, st, b, store, log, dispatcher, runner, hooks.announcer, traces, o.log)
	if err != nil {
		return err
	}
	identities, identityChecks := openOIDC(c, logins.clientSecret)
	if identities != nil {
		defer identities.Close()
	}
	var kept *projections.Runner
	if o.roles.has(roleProject) {
		kept = runner
	}
	checks := append(newChecks(ctx, st, b, limits, kept, commits, foreign, unreadable), identityChecks...)
	api := newAPI(c, handler, queries, st.keyUses, limits, ps, checks, o.log)
	api.Webhooks = hooks.Webhooks
	api.Observe, api.Wrap = observed(measured, traces), traces.Handler
	measured.Sample(newGauges(st, b, queries, runner, gate.States, handler.Fuse, unreadable)...)
	flight := newFlightRecorder(c, o.log)
	defer flight.Stop()
	admin := newAdmin(measured.Handler(), flight, checks, o.log)
	if len(c.Providers) == 0 && ps.compare != nil { // or else it is not known which texts were the sandbox's
		ps.compare(recordsBy(queries))
	}
	pages, err := newPages(c, o, handler, queries, limits.Limiter, st, b, ps, checks, hooks.Webhooks, identities, localURL)
	if err != nil {
		return err
	}

	meanwhile.stop()
	if o.roles.has(roleAPI) {
		parts.Go(named("api", func() error { return api.Serve(running, listeners.api) }))
	}
	parts.Go(named("admin", func() error { return serveHTTP(running, listeners.admin, pages.beside(admin), o.log, pages.stop) }))
	parts.Go(named("keys", func() error {
		if err := sealer.Warm(running); err != nil && running.Err() == nil {
			o.log.Warn("reading the keys of people", "error", err) // they are read when they are needed
		}
		return nil
	}))
	parts.Go(named("breakers", func() error { return gate.Run(running) }))
	if handler.Fuse != nil {
		parts.Go(named("fuse", func() error { return handler.Fuse.Run(running) }))
	}
	if ps.rotation != nil {
		parts.Go(named("secrets", func() error { return ps.rotation.Run(running) }))
	}
	if o.roles.has(roleProject) {
		upgrades := st.filler()
		upgrades.Store = log
		upgrader := projections.Upgrader{Filler: upgrades, Projections: newProjections(lookup), Log: o.log}
		parts.Go(named("views", func() error { return lead(running, st.leader, "views", upgrader.Run) }))
		parts.Go(named("projections", func() error { return runner.Run(running) }))
		parts.Go(named("webhooks", func() error { return hooks.announcer.Run(running) }))
	}
	if o.roles.has(roleSchedule) {
		duties := []func(context.Context) error{scheduler.Run, replayer.Run, eraser.Run, hooks.pruner.Run, hooks.courier.Run}
		for _, redactor := range newRedactors(c, ps, store, log, runner, queries, o.log) {
			duties = append(duties, redactor.Run)
		}
		if !c.HeadKey.IsZero() {
			duties = append(duties, newHeadSigner(c, logins.headKey, log, o.log).Run)
		}
		parts.Go(named("scheduler", func() error { return lead(running, st.leader, "scheduler", together(duties)) }))
	}
	parts.Go(named("router", func() error { return runRouter(running, router, dispatcher, b) }))
	adminURL := "http://" + reachable(listeners.admin.Addr())
	if !o.demo && c.PasswordSignIn {
		parts.Go(named("operators", func() error { return pages.announce(running, handler, cmp.Or(c.AdminURL, adminURL), o.log) }))
	}
	if o.ready != nil {
		parts.Go(named("ready", func() error {
			return o.ready(running, gateway{handler, queries, localURL, adminURL, ps.phone, pages.link(adminURL)})
		}))
	}
	o.log.Info("running", "roles", strings.Join(o.roles, ","), "database", st.kind, "http", localURL, "admin", listeners.admin.Addr().String())
	err = parts.Wait()
	if ctx.Err() != nil {
		o.log.Info("stopping: waiting for the provider calls that were claimed")
	}
	return errors.Join(err, within(dispatcher.Close))
}
