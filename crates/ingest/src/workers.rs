//! The workers: each claims a due row, runs one step, and repeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backissue_fetch::Fetcher;
use backissue_model::{Phase, Progress, Source, Stage};
use backissue_store::{
    ClaimedBackfill, ClaimedRead, ClaimedSource, ClaimedSubscription, Extent, OWNER_CHANGED, Scope, Store,
    StoreError, Tally,
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, error, info_span, warn};
use url::Url;

use crate::clock::{self, Watched};
use crate::context::{Context, IngestSettings};
use crate::dead_pages;
use crate::error::IngestError;
use crate::hosts::{Busy, HostInUse, Hosts, Share};
use crate::hubs::{self, HubAnswer, HubQuestion};
use crate::steps::backfill::{self, Explanation};
use crate::steps::reannotate::{By, Pass, Reannotator};
use crate::steps::{annotate, fetch, poll, subscribe};

/// Which sources a round polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The sources that are due.
    Due,
    /// All sources, whatever their schedule says.
    AllNow,
}

/// The result of a round.
pub type Summary = Progress;

/// Maximum retries after a temporary database error. The pauses between them grow, and are about a
/// minute and a half in all.
const MAX_DB_RETRIES: u32 = 8;

/// How often to check for reads that are due for the model.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How often to check for work that another process made, such as `backissue sync` beside a running
/// `serve`.
const LOOK_FOR_WORK: Duration = Duration::from_secs(10);

/// How long nothing is written after the disk was full.
const DISK_PAUSE: Duration = Duration::from_secs(10);

/// The workers, which run all steps of sources and reads.
pub struct Ingest {
    cx: Arc<Context>,
    hosts: Hosts,
    /// Locked while a worker picks work, so that two workers never pick the same host.
    picking: Mutex<()>,
    working: AtomicUsize,
    /// Number of all pieces of work that were started.
    begun: AtomicUsize,
    /// When the size of the archive was measured last, and whether it had reached its limit.
    measured: Mutex<Option<(Instant, bool)>>,
    /// Whether the log already says that the disk is full.
    told_of_disk: AtomicBool,
}

/// A claimed row, with the host that its step needs.
enum Work<'a> {
    Poll(Box<ClaimedSource>, HostInUse<'a>),
    Subscribe(Box<ClaimedSubscription>, Url, HostInUse<'a>),
    Backfill(Box<ClaimedBackfill>, HostInUse<'a>),
    /// A read to fetch. Without a host if its page is not requested.
    Fetch(Box<ClaimedRead>, Option<HostInUse<'a>>, Share<'a>),
    Annotate(Box<ClaimedRead>, Share<'a>),
    AnnotateForOwner(Box<ClaimedRead>, Share<'a>),
}

impl Work<'_> {
    /// The name of the work in metrics, and the span of its lines in the log.
    fn name_and_span(&self) -> (&'static str, Span) {
        let of_read = |name: &'static str, read: &ClaimedRead| {
            (name, info_span!("step", step = name, read = %read.id, source = read.source.0))
        };
        match self {
            Self::Poll(claimed, _) => {
                ("poll", info_span!("step", step = "poll", source = claimed.source.id.0))
            }
            Self::Subscribe(wanted, ..) => {
                ("subscribe", info_span!("step", step = "subscribe", source = wanted.source.0))
            }
            Self::Backfill(search, _) => {
                ("backfill", info_span!("step", step = "backfill", source = search.source.id.0))
            }
            Self::Fetch(read, ..) => of_read("fetch", read),
            Self::Annotate(read, _) => of_read("annotate", read),
            Self::AnnotateForOwner(read, _) => of_read("annotate for owner", read),
        }
    }
}

impl Ingest {
    /// Workers for this store, which send requests through this fetcher.
    pub fn new(store: Store, fetcher: Fetcher, settings: IngestSettings) -> Arc<Self> {
        Arc::new(Self {
            cx: Arc::new(Context::new(store, fetcher, settings)),
            hosts: Hosts::default(),
            picking: Mutex::default(),
            working: AtomicUsize::default(),
            begun: AtomicUsize::default(),
            measured: Mutex::default(),
            told_of_disk: AtomicBool::default(),
        })
    }

    pub(crate) fn context(&self) -> Arc<Context> {
        Arc::clone(&self.cx)
    }

    /// A receiver of progress snapshots.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.cx.meter.watch()
    }

    /// Runs one round: polls sources and processes reads until nothing is due. If `stop` is
    /// cancelled, ends when claimed work is done, or after [`grace`](IngestSettings::grace).
    ///
    /// # Errors
    /// If the database fails. Errors of sources and reads are in the summary and in the store.
    pub async fn sync(
        self: &Arc<Self>,
        round: Round,
        stop: &CancellationToken,
    ) -> Result<Summary, IngestError> {
        let now = Timestamp::now();
        if clock::is_before_this_program(now) {
            return Err(IngestError::Clock(now));
        }
        self.begin(round).await?;
        self.work(self.scope(round), stop, WhenIdle::Return).await?;
        if let Some(reannotator) = self.reannotator() {
            // How it ended changes nothing about the sync; what is left is due again.
            self.pass(&reannotator, stop).await?;
        }
        self.cx.meter.phase(Phase::Idle);
        if self.is_full().await? {
            return Err(self.full(self.cx.store.bytes().await?));
        }
        Ok(self.cx.meter.snapshot())
    }

    /// Runs a first round and then processes whatever becomes due, until `stop` is cancelled.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn run(self: &Arc<Self>, stop: &CancellationToken) -> Result<(), IngestError> {
        self.until_the_clock_may_be_right(stop).await;
        self.cx.store.forget_turns().await?;
        self.begin(Round::Due).await?;
        // A failure of one stops the others.
        let stop_beside = stop.child_token();
        let work = async {
            let result = self.work(Scope::Due, stop, WhenIdle::Wait).await;
            stop_beside.cancel();
            result
        };
        let reannotating = async {
            match self.reannotator() {
                Some(reannotator) => self.keep_annotating(&reannotator, &stop_beside).await,
                None => Ok(()),
            }
        };
        let beside = async { tokio::join!(self.watch_clock(&stop_beside), self.listen(&stop_beside)).0 };
        tokio::try_join!(work, reannotating, beside).map(|_| ())
    }

    /// Wakes a worker when another process has made work. Without notifications of the database,
    /// workers check at an interval.
    async fn listen(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let ended = tokio::select! {
                ended = self.hear() => ended,
                () = stop.cancelled() => return,
            };
            match ended {
                Ok(()) => return,
                Err(error) => warn!(%error, "{error}"),
            }
            self.pause(LOOK_FOR_WORK, stop).await;
        }
    }

    async fn hear(&self) -> Result<(), StoreError> {
        let Some(mut wakeups) = self.cx.store.wakeups().await? else { return Ok(()) };
        loop {
            wakeups.next().await?;
            self.cx.look_again();
        }
    }

    /// Waits while the clock is certainly wrong, and logs this once.
    async fn until_the_clock_may_be_right(&self, stop: &CancellationToken) {
        let mut now = Timestamp::now();
        if clock::is_before_this_program(now) {
            error!("{}", IngestError::Clock(now));
        }
        while clock::is_before_this_program(now) && !stop.is_cancelled() {
            self.pause(LOOK_FOR_WORK, stop).await;
            now = Timestamp::now();
        }
    }

    /// Corrects the times of due work after a clock that was ahead is put back.
    async fn watch_clock(&self, stop: &CancellationToken) -> Result<(), IngestError> {
        let mut clock = Watched::start();
        while !stop.is_cancelled() {
            self.pause(LOOK_FOR_WORK, stop).await;
            if clock.was_put_back() {
                warn!("the clock was put back; what was put off by the time before is looked at again");
                let now = Timestamp::now();
                let repaired = async {
                    self.cx.store.believe_clock(now).await?;
                    self.cx.store.forget_wrong_clock(now).await
                };
                match repaired.await {
                    Ok(()) => self.cx.look_again(),
                    Err(failure) => warn!(%failure, "{failure}"),
                }
            }
        }
        Ok(())
    }

    async fn pause(&self, pause: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }

    fn reannotator(&self) -> Option<Reannotator> {
        let asker = self.cx.settings.annotate_with.clone()?;
        Some(Reannotator::new(self.cx.store.clone(), By::Model(asker)))
    }

    async fn pass(&self, reannotator: &Reannotator, stop: &CancellationToken) -> Result<Pass, IngestError> {
        tokio::select! {
            pass = reannotator.pass(stop, None) => Ok(pass?),
            () = self.out_of_grace(stop) => {
                reannotator.give_back_quota().await?;
                Ok(Pass::Over)
            }
        }
    }

    /// Runs passes that annotate reads again until `stop` is cancelled. Temporary database errors
    /// are retried as elsewhere.
    async fn keep_annotating(
        &self,
        reannotator: &Reannotator,
        stop: &CancellationToken,
    ) -> Result<(), IngestError> {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let pause = match self.pass(reannotator, stop).await {
                Ok(pass) => {
                    failures = 0;
                    let until = match pass {
                        Pass::Over => None,
                        Pass::OverBudget(until) | Pass::Down(_, until) => Some(until),
                    };
                    until.map_or(LOOK_AGAIN, |until| {
                        let pause = until.duration_since(Timestamp::now());
                        Duration::try_from(pause).unwrap_or(LOOK_AGAIN).max(LOOK_AGAIN)
                    })
                }
                Err(passing) if passing.may_pass() && failures < MAX_DB_RETRIES => {
                    failures += 1;
                    LOOK_AGAIN
                }
                Err(failure) if failure.is_about_the_disk() => DISK_PAUSE,
                Err(failure) => return Err(failure),
            };
            self.pause(pause, stop).await;
        }
        Ok(())
    }

    async fn begin(&self, round: Round) -> Result<(), IngestError> {
        let now = Timestamp::now();
        let tally = self.cx.store.tally(now).await?;
        self.begin_counting(round, now, &tally);
        Ok(())
    }

    fn begin_counting(&self, round: Round, now: Timestamp, tally: &Tally) {
        let sources = match round {
            Round::Due => tally.sources_due,
            Round::AllNow => tally.sources_active,
        };
        self.cx.meter.begin(now, sources, tally.discovered + tally.extracted);
    }

    fn scope(&self, round: Round) -> Scope {
        match round {
            Round::Due => Scope::Due,
            Round::AllNow => Scope::AllNow { since: Timestamp::now() },
        }
    }

    async fn work(
        self: &Arc<Self>,
        scope: Scope,
        stop: &CancellationToken,
        idle: WhenIdle,
    ) -> Result<(), IngestError> {
        // A fatal error of one worker stops the others after their current work.
        let stop = stop.child_token();
        let mut workers = JoinSet::new();
        for _ in 0..self.cx.settings.workers.max(1) {
            let (this, stop) = (self.clone(), stop.clone());
            workers.spawn(async move {
                let result = this.one_worker(scope, &stop, idle).await;
                if result.is_err() {
                    stop.cancel();
                }
                result
            });
        }
        let mut first_error = Ok(());
        while let Some(ended) = workers.join_next().await {
            match ended {
                Ok(result) => first_error = first_error.and(result),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        }
        first_error
    }

    async fn one_worker(
        &self,
        scope: Scope,
        stop: &CancellationToken,
        idle: WhenIdle,
    ) -> Result<(), IngestError> {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let turn = tokio::select! {
                turn = self.one_turn(scope, stop, idle) => turn,
                () = self.out_of_grace(stop) => {
                    warn!("work in hand took too long to be finished; the next start takes it up");
                    return Ok(());
                }
            };
            match turn {
                Ok(Turn::Worked) => {
                    failures = 0;
                    self.told_of_disk.store(false, Ordering::Relaxed);
                }
                Ok(Turn::NothingLeft) => {
                    self.cx.changed.notify_waiters();
                    return Ok(());
                }
                Err(passing) if passing.may_pass() && failures < MAX_DB_RETRIES => {
                    failures += 1;
                    warn!(%passing, failures, "trying again soon: {passing}");
                    self.pause(Duration::from_millis(250) * 2u32.pow(failures), stop).await;
                }
                // The pages can be read meanwhile.
                Err(failure) if idle == WhenIdle::Wait && failure.is_about_the_disk() => {
                    if !self.told_of_disk.swap(true, Ordering::Relaxed) {
                        error!(%failure, "nothing is fetched until it works again: {failure}");
                    }
                    self.pause(DISK_PAUSE, stop).await;
                }
                Err(failure) => {
                    error!(%failure, "the work cannot go on: {failure}");
                    return Err(failure);
                }
            }
        }
        self.cx.meter.phase(Phase::Stopping);
        Ok(())
    }

    /// Whether the archive has reached its limit. The answer may be a few seconds old. Logs when it
    /// changes.
    async fn is_full(&self) -> Result<bool, StoreError> {
        let mut measured = self.measured.lock().await;
        if let Some((_, full)) = measured.filter(|(at, _)| at.elapsed() < LOOK_FOR_WORK) {
            return Ok(full);
        }
        let was_full = measured.is_some_and(|(_, full)| full);
        let bytes = self.cx.store.bytes().await?;
        let full = bytes >= self.cx.settings.archive_limit;
        *measured = Some((Instant::now(), full));
        if full && !was_full {
            warn!(bytes, "{}", self.full(bytes));
        }
        Ok(full)
    }

    fn full(&self, bytes: u64) -> IngestError {
        IngestError::Full { bytes, limit: self.cx.settings.archive_limit }
    }

    /// Completes when the grace period after the cancellation of `stop` is over.
    async fn out_of_grace(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        tokio::time::sleep(self.cx.settings.grace).await;
    }

    /// Processes one claimed row, or waits until there may be work.
    async fn one_turn(
        &self,
        scope: Scope,
        stop: &CancellationToken,
        idle: WhenIdle,
    ) -> Result<Turn, IngestError> {
        // Subscribes before the check, so that no change in between is missed.
        let changed = self.cx.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let (before, begun) = (self.working.load(Ordering::SeqCst), self.begun.load(Ordering::SeqCst));
        if let Some(work) = self.pick(scope, stop, idle).await? {
            // There may be more work, so another worker checks.
            self.cx.changed.notify_one();
            let result = self.carry_out(work).await;
            self.working.fetch_sub(1, Ordering::SeqCst);
            self.cx.changed.notify_one();
            return result.map(|()| Turn::Worked);
        }
        // There is no work, and no worker was busy before, during or after the check, so none can
        // add work.
        let nobody_began = begun == self.begun.load(Ordering::SeqCst);
        let alone = before == 0 && nobody_began && self.working.load(Ordering::SeqCst) == 0;
        let resting = self.hosts.next_ready();
        if alone && resting.is_none() {
            match idle {
                WhenIdle::Return => return Ok(Turn::NothingLeft),
                WhenIdle::Wait => self.cx.meter.phase(Phase::Idle),
            }
        }
        let wake = self.wake_at(resting, idle).await?;
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep_until(wake.into()) => {}
            () = stop.cancelled() => {}
        }
        Ok(Turn::Worked)
    }

    /// The time to check again if nothing happens: when a host's pause ends, when work is due, or
    /// after [`LOOK_FOR_WORK`].
    async fn wake_at(&self, resting: Option<Instant>, idle: WhenIdle) -> Result<Instant, IngestError> {
        let now = Instant::now();
        let latest = now + LOOK_FOR_WORK;
        let due = match idle {
            WhenIdle::Return => None,
            WhenIdle::Wait => self.cx.store.next_due(Timestamp::now()).await?.map(|at| {
                let pause = at.duration_since(Timestamp::now()).max(SignedDuration::from_millis(50));
                now + Duration::try_from(pause).unwrap_or(Duration::from_secs(60))
            }),
        };
        let elsewhere = self.hosts.next_elsewhere().filter(|_| idle == WhenIdle::Wait);
        Ok([resting, due, elsewhere].into_iter().flatten().fold(latest, Instant::min))
    }

    /// Claims the next row.
    ///
    /// The order is: reads to annotate (so that a stored article is shown), sources to poll, hubs,
    /// documents of backfills (all addresses should be known, because pages are fetched newest
    /// first), pages. While this machine is offline, only the first two are claimed; each poll
    /// reports its error.
    async fn pick(
        &self,
        scope: Scope,
        stop: &CancellationToken,
        idle: WhenIdle,
    ) -> Result<Option<Work<'_>>, IngestError> {
        let _alone = self.picking.lock().await;
        if stop.is_cancelled() {
            // Stopped while this worker waited for the others.
            return Ok(None);
        }
        let now = Timestamp::now();
        // Before the claim: if the database failed after it, the row would wait for the end of its
        // lease.
        let tally = if self.cx.meter.is_idle() { Some(self.cx.store.tally(now).await?) } else { None };
        let work = self.claim(scope, idle).await?;
        if work.is_some() {
            if let Some(tally) = tally {
                self.begin_counting(Round::Due, now, &tally);
            }
            self.working.fetch_add(1, Ordering::SeqCst);
            self.begun.fetch_add(1, Ordering::SeqCst);
        }
        Ok(work)
    }

    async fn claim(&self, scope: Scope, idle: WhenIdle) -> Result<Option<Work<'_>>, IngestError> {
        let (now, lease) = (Timestamp::now(), self.cx.settings.lease);
        let mut busy = self.hosts.busy(self.cx.settings.workers);
        // One round waits for hosts that others use, so that it does not end before its work does.
        if idle == WhenIdle::Wait && self.cx.store.is_shared() {
            self.hosts.leave_to_others(&mut busy, self.cx.store.busy_hosts().await?);
        }
        let Busy { hosts: busy, sources } = busy;
        let stage = Stage::Extracted;
        if let Some(read) = self.cx.store.claim_read_except(stage, now, lease, &[], &sources).await? {
            let share = self.hosts.share(read.source);
            return Ok(Some(Work::Annotate(Box::new(read), share)));
        }
        if self.is_full().await? {
            return Ok(None);
        }
        if let Some(source) = self.cx.store.claim_source(now, lease, &busy, scope).await? {
            let host = self.hosts.take(&source.host, &self.cx.fetcher);
            return Ok(Some(Work::Poll(Box::new(source), host)));
        }
        if let Some(read) = self.cx.store.claim_again(OWNER_CHANGED, now, lease).await? {
            let share = self.hosts.share(read.source);
            return Ok(Some(Work::AnnotateForOwner(Box::new(read), share)));
        }
        if self.cx.is_offline() {
            return Ok(None);
        }
        if let Some(below) = &self.cx.settings.callbacks
            && let Some(fresh) = hubs::fresh_names()
            && let Some(wanted) = self.cx.store.claim_subscription(now, lease, &busy, &fresh).await?
        {
            let host = self.hosts.take(&wanted.host, &self.cx.fetcher);
            return Ok(Some(Work::Subscribe(Box::new(wanted), below.clone(), host)));
        }
        if let Some(search) = self.cx.store.claim_backfill(now, lease, &busy).await? {
            let host = self.hosts.take(&search.host, &self.cx.fetcher);
            return Ok(Some(Work::Backfill(Box::new(search), host)));
        }
        let stage = Stage::Discovered;
        let read = self.cx.store.claim_read_except(stage, now, lease, &busy, &sources).await?;
        Ok(read.map(|read| {
            let is_requested = dead_pages::left_out(&read, now).is_none();
            let host = is_requested.then(|| self.hosts.take(&read.host, &self.cx.fetcher));
            let share = self.hosts.share(read.source);
            Work::Fetch(Box::new(read), host, share)
        }))
    }

    async fn carry_out(&self, work: Work<'_>) -> Result<(), IngestError> {
        let (step, span) = work.name_and_span();
        let started = Instant::now();
        let result = self.step(work).instrument(span).await;
        metrics::histogram!("backissue_step_seconds", "step" => step).record(started.elapsed());
        result
    }

    async fn step(&self, work: Work<'_>) -> Result<(), IngestError> {
        let cx = &*self.cx;
        match work {
            Work::Poll(source, _host) => poll::run(cx, *source).await,
            Work::Subscribe(wanted, below, _host) => subscribe::run(cx, *wanted, &below).await,
            Work::Backfill(search, _host) => backfill::run(cx, *search).await,
            Work::Fetch(read, _host, _share) => fetch::run(cx, *read).await,
            Work::Annotate(read, _share) => annotate::run(cx, *read).await,
            Work::AnnotateForOwner(read, _share) => annotate::for_new_owner(cx, *read).await,
        }
    }
}

impl Ingest {
    /// Runs a backfill without storing anything, and explains each decision.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn explain_backfill(
        &self,
        source: &Source,
        extent: Extent,
        stop: &CancellationToken,
    ) -> Result<Explanation, IngestError> {
        backfill::explain(&self.cx, source, extent, stop).await
    }

    /// Whether a subscription has this token.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn knows_hub(&self, token: &str) -> Result<bool, StoreError> {
        Ok(self.cx.store.subscription(token).await?.is_some())
    }

    /// Answers a hub's request to verify a subscription, or its message that it denies one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn asked_by_hub(&self, token: &str, question: HubQuestion) -> Result<HubAnswer, StoreError> {
        hubs::verify(&self.cx.store, token, question).await
    }

    /// Handles a notification. If its signature is valid, the source is polled immediately. An
    /// invalid one gets the same response, as the Recommendation demands (section 7.1).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn told_by_hub(
        &self,
        token: &str,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<HubAnswer, StoreError> {
        hubs::notify(&self.cx, token, signature, body).await
    }
}

/// The result of a worker's turn.
enum Turn {
    /// The worker worked or waited. There may be more work.
    Worked,
    /// Nothing is due and no worker is busy.
    NothingLeft,
}

/// What a worker does if no row is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenIdle {
    Return,
    Wait,
}
