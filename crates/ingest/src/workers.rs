//! The workers: each claims what is due, does one arrow of the way, and looks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backissue_fetch::Fetcher;
use backissue_model::{Phase, Progress, Stage};
use backissue_store::{ClaimedRead, ClaimedSource, Scope, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::hosts::{HostInUse, Hosts};
use crate::meter::Meter;

/// How the workers work.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Workers, each of which does one thing at a time. One host is never asked by two of them.
    pub workers: usize,
    /// How long after a good answer a source is asked again, at the least.
    pub poll_every: SignedDuration,
    /// How long a worker may hold a row before others may take it over: longer than the slowest fetch.
    pub lease: SignedDuration,
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self { workers: 8, poll_every: SignedDuration::from_hours(1), lease: SignedDuration::from_mins(10) }
    }
}

/// Which sources a round of work asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Those whose time has come.
    Due,
    /// All, whatever their schedule says.
    AllNow,
}

/// What a round of work came to.
pub type Summary = Progress;

/// Why the work cannot go on. What goes wrong with one source or one read does not stop the others and is not here.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The annotator failed as a program.
    #[error("the annotator stopped on one article: {0}; please report this")]
    Annotator(String),
}

/// Moves reads along their way.
pub struct Ingest {
    pub(crate) store: Store,
    pub(crate) fetcher: Fetcher,
    pub(crate) settings: IngestSettings,
    pub(crate) meter: Meter,
    hosts: Hosts,
    /// Held while work is picked, so that two workers never pick the same host.
    picking: Mutex<()>,
    working: AtomicUsize,
    changed: Notify,
}

/// A piece of work with the host it keeps busy.
enum Work<'a> {
    Poll(Box<ClaimedSource>, HostInUse<'a>),
    Fetch(Box<ClaimedRead>, HostInUse<'a>),
    Annotate(Box<ClaimedRead>),
}

impl Ingest {
    /// Workers over this store that ask the web through this fetcher.
    pub fn new(store: Store, fetcher: Fetcher, settings: IngestSettings) -> Arc<Self> {
        Arc::new(Self {
            store,
            fetcher,
            settings,
            meter: Meter::new(),
            hosts: Hosts::default(),
            picking: Mutex::default(),
            working: AtomicUsize::default(),
            changed: Notify::default(),
        })
    }

    /// Snapshots of the work as it goes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.meter.watch()
    }

    /// Looks for work at once, for instance after a source was followed.
    pub fn look_again(&self) {
        self.changed.notify_waiters();
    }

    /// One round: polls sources and moves reads until nothing is due, or `stop` is cancelled and what was held is done.
    ///
    /// # Errors
    /// Where the database fails. Trouble with sources and reads is in the summary and in the store.
    pub async fn sync(
        self: &Arc<Self>,
        round: Round,
        stop: &CancellationToken,
    ) -> Result<Summary, IngestError> {
        self.begin(round).await?;
        self.work(self.scope(round), stop, WhenIdle::Return).await?;
        self.meter.phase(Phase::Idle);
        Ok(self.meter.snapshot())
    }

    /// Works until `stop` is cancelled: a first round, then whatever becomes due.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run(self: &Arc<Self>, stop: &CancellationToken) -> Result<(), IngestError> {
        self.begin(Round::Due).await?;
        self.work(Scope::Due, stop, WhenIdle::Wait).await
    }

    async fn begin(&self, round: Round) -> Result<(), IngestError> {
        let now = Timestamp::now();
        let tally = self.store.tally(now).await?;
        let sources = match round {
            Round::Due => tally.sources_due,
            Round::AllNow => tally.sources_active,
        };
        self.meter.begin(now, sources, tally.discovered + tally.extracted);
        Ok(())
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
        // One worker's fatal error stops the others, after what they hold.
        let stop = stop.child_token();
        let mut workers = JoinSet::new();
        for _ in 0..self.settings.workers.max(1) {
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
        while !stop.is_cancelled() {
            // Listen before looking, so that nothing which comes in between is missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            // Asked before picking: what was in hand then may have left new work behind since.
            let others_at_work = self.working.load(Ordering::SeqCst) > 0;
            if let Some(work) = self.pick(scope).await? {
                let result = self.carry_out(work).await;
                self.working.fetch_sub(1, Ordering::SeqCst);
                self.changed.notify_waiters();
                result?;
                continue;
            }
            let resting = self.hosts.next_ready();
            if !others_at_work && resting.is_none() {
                match idle {
                    WhenIdle::Return => return Ok(()),
                    WhenIdle::Wait => self.meter.phase(Phase::Idle),
                }
            }
            let wake = self.wake_at(resting, idle).await?;
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(wake.into()) => {}
                () = stop.cancelled() => {}
            }
        }
        self.meter.phase(Phase::Stopping);
        Ok(())
    }

    /// When to look again if nothing happens before: a resting host, the next thing due, or a minute.
    async fn wake_at(&self, resting: Option<Instant>, idle: WhenIdle) -> Result<Instant, IngestError> {
        let now = Instant::now();
        let minute = now + Duration::from_secs(60);
        let due = match idle {
            WhenIdle::Return => None,
            WhenIdle::Wait => self.store.next_due(Timestamp::now()).await?.map(|at| {
                let pause = at.duration_since(Timestamp::now()).max(SignedDuration::from_millis(50));
                now + Duration::try_from(pause).unwrap_or(Duration::from_secs(60))
            }),
        };
        Ok([resting, due].into_iter().flatten().fold(minute, Instant::min))
    }

    /// The next piece of work: précis first (an article that is there should be seen), then feeds, then pages.
    async fn pick(&self, scope: Scope) -> Result<Option<Work<'_>>, IngestError> {
        let _alone = self.picking.lock().await;
        let (now, lease) = (Timestamp::now(), self.settings.lease);
        let work = if let Some(read) = self.store.claim_read(Stage::Extracted, now, lease, &[]).await? {
            Some(Work::Annotate(Box::new(read)))
        } else {
            let busy = self.hosts.busy();
            if let Some(source) = self.store.claim_source(now, lease, &busy, scope).await? {
                let host = self.hosts.take(&source.host, &self.fetcher);
                Some(Work::Poll(Box::new(source), host))
            } else if let Some(read) = self.store.claim_read(Stage::Discovered, now, lease, &busy).await? {
                let host = self.hosts.take(&read.host, &self.fetcher);
                Some(Work::Fetch(Box::new(read), host))
            } else {
                None
            }
        };
        if work.is_some() {
            self.working.fetch_add(1, Ordering::SeqCst);
        }
        Ok(work)
    }

    async fn carry_out(&self, work: Work<'_>) -> Result<(), IngestError> {
        let result = match work {
            Work::Poll(source, _host) => self.poll(*source).await,
            Work::Fetch(read, _host) => self.fetch_read(*read).await,
            Work::Annotate(read) => self.annotate_read(*read).await,
        };
        if let Err(failure) = &result {
            error!(%failure, "the work cannot go on: {failure}");
        }
        result
    }
}

/// What a worker does when nothing is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenIdle {
    Return,
    Wait,
}
