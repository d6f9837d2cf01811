//! TODO
#![allow(clippy::todo, missing_docs, unused_variables, clippy::unused_async)]
use crate::*;
use backissue_model::*;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    pub async fn open(location: &Location, zone: &TimeZone) -> Result<Self> { todo!() }
    pub async fn check(&self) -> Vec<Finding> { todo!() }
    pub fn location(&self) -> &Location { todo!() }
    pub async fn close(&self) { todo!() }
    pub async fn follow(&self, new: &NewSource, now: Timestamp) -> Result<Follow> { todo!() }
    pub async fn unfollow(&self, source: SourceId) -> Result<Unfollowed> { todo!() }
    pub async fn sources(&self, filter: &SourceFilter) -> Result<Vec<Source>> { todo!() }
    pub async fn source(&self, id: SourceId) -> Result<Option<Source>> { todo!() }
    pub async fn source_by_slug(&self, slug: &str) -> Result<Option<Source>> { todo!() }
    pub async fn claim_source(&self, now: Timestamp, lease: SignedDuration, busy_hosts: &[String], scope: Scope) -> Result<Option<ClaimedSource>> { todo!() }
    pub async fn record_poll(&self, claimed: &ClaimedSource, outcome: PollOutcome, now: Timestamp, next_poll: Option<Timestamp>) -> Result<Admitted> { todo!() }
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>> { todo!() }
    pub async fn release_leases(&self) -> Result<()> { todo!() }
    pub async fn claim_read(&self, stage: Stage, now: Timestamp, lease: SignedDuration, busy_hosts: &[String]) -> Result<Option<ClaimedRead>> { todo!() }
    pub async fn finish_extract(&self, read: &ClaimedRead, article: &Article, final_url: &CanonicalUrl, now: Timestamp) -> Result<Extracted> { todo!() }
    pub async fn finish_annotate(&self, read: &ClaimedRead, precis: &Precis, now: Timestamp) -> Result<Finished> { todo!() }
    pub async fn fail(&self, read: &ClaimedRead, error: &str, now: Timestamp, retry: Retry) -> Result<Finished> { todo!() }
    pub async fn set_aside(&self, limit: u32) -> Result<Vec<SetAside>> { todo!() }
    pub async fn retry_set_aside(&self) -> Result<u64> { todo!() }
    pub async fn tally(&self, now: Timestamp) -> Result<Tally> { todo!() }
    pub async fn reads(&self, filter: &ReadFilter, order: Order, after: Option<&Cursor>, limit: u32) -> Result<Page<ReadCard>> { todo!() }
    pub async fn read(&self, id: ReadId) -> Result<Option<ReadPage>> { todo!() }
    pub async fn newest_week(&self) -> Result<Option<Week>> { todo!() }
    pub async fn week_count(&self, week: Week) -> Result<WeekCount> { todo!() }
    pub async fn weeks(&self) -> Result<Vec<WeekCount>> { todo!() }
    pub async fn neighbours(&self, week: Week) -> Result<(Option<Week>, Option<Week>)> { todo!() }
    pub async fn facets(&self, filter: &ReadFilter) -> Result<Facets> { todo!() }
    pub async fn concepts(&self) -> Result<Vec<(ConceptSlug, u64)>> { todo!() }
    pub async fn archive_version(&self) -> Result<u64> { todo!() }
}
