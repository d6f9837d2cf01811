//! Annotates reads again: with a model after the built-in annotator, or because a person requests
//! it.
//!
//! The row is the job. A pass claims the reads that are due for its annotator, until no read is
//! left. The former précis stays until the new one is stored. If a model is down, only the pass
//! stops.

use std::sync::Arc;
use std::time::Duration;

use backissue_annotate::asking::Refusal;
use backissue_llm::ModelError;
use backissue_model::{MadeBy, Precis, ReadId};
use backissue_store::{ClaimedRead, Finished, Refused, Retry, Store, StoreError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::asking::{Asker, NotTold, Told};
use crate::built_in::built_in_precis;
use crate::schedule;

/// The annotator to use.
#[derive(Clone, Debug)]
pub enum By {
    /// The current built-in annotator.
    BuiltIn,
    /// This model, with the gate.
    Model(Arc<Asker>),
}

/// The name of the built-in annotator in requests. No model may have this name.
pub const BUILT_IN: &str = "built-in";

/// Reads that the built-in annotator processes concurrently.
const BUILT_IN_AT_ONCE: usize = 2;
/// The pause after a model was down or refused all requests.
const DOWN_FOR: SignedDuration = SignedDuration::from_mins(5);
/// The number of attempts that fit into a lease: two prompts with three attempts each.
const ATTEMPTS_IN_A_LEASE: u32 = 6;
/// The time for pauses between attempts that a lease includes.
const PAUSES_IN_A_LEASE: Duration = Duration::from_secs(300);

/// The result for one read.
#[derive(Clone, Debug)]
pub enum Step {
    /// The read has a new précis.
    Done {
        /// The read.
        read: ReadId,
        /// Whether the new précis differs from what was shown. Corrections by a person stay.
        changed: bool,
        /// The new précis, with details about the model's replies.
        told: Box<Told>,
    },
    /// The read failed. It is retried later or not at all, and its former précis stays.
    Failed {
        /// The read.
        read: ReadId,
        /// The error, in plain words.
        reason: String,
    },
}

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// No read is due any more, or the pass was stopped.
    Over,
    /// The quota of the day is used up. Holds the start of the next day in UTC.
    OverBudget(Timestamp),
    /// The model is down or demands a pause. Holds the reason and the end of the pause.
    Down(String, Timestamp),
}

/// Annotates the reads that are due for one annotator.
#[derive(Clone, Debug)]
pub struct Reannotator {
    store: Store,
    by: By,
}

impl By {
    /// The name under which reads are marked as due for this annotator.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn => BUILT_IN,
            Self::Model(asker) => asker.name(),
        }
    }

    fn at_once(&self) -> usize {
        match self {
            Self::BuiltIn => BUILT_IN_AT_ONCE,
            Self::Model(asker) => asker.model.settings().concurrency.max(1),
        }
    }

    fn lease(&self) -> SignedDuration {
        let longest = match self {
            Self::BuiltIn => Duration::ZERO,
            Self::Model(asker) => asker.model.settings().timeout.saturating_mul(ATTEMPTS_IN_A_LEASE),
        };
        SignedDuration::try_from(longest.saturating_add(PAUSES_IN_A_LEASE)).unwrap_or(SignedDuration::MAX)
    }

    async fn tell(&self, store: &Store, read: Arc<ClaimedRead>) -> Result<Told, NotTold> {
        match self {
            Self::Model(asker) => asker.tell(store, read).await,
            Self::BuiltIn => {
                let precis = built_in_precis(read).await.map_err(NotTold::Article)?;
                Ok(Told { precis, refusals: Vec::new(), fell_back: Vec::new(), questions: 0 })
            }
        }
    }
}

impl Reannotator {
    /// An annotator for this store.
    pub fn new(store: Store, by: By) -> Self {
        Self { store, by }
    }

    /// Annotates due reads until none is left, `stop` is cancelled, or the model is unavailable.
    /// Finishes claimed reads first. Sends each result to `steps`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn pass(
        &self,
        stop: &CancellationToken,
        steps: Option<mpsc::UnboundedSender<Step>>,
    ) -> Result<Pass, StoreError> {
        let stop = stop.child_token();
        let mut hands = JoinSet::new();
        for _ in 0..self.by.at_once() {
            let (this, stop, steps) = (self.clone(), stop.clone(), steps.clone());
            hands.spawn(async move {
                let ended = this.one_hand(&stop, steps.as_ref()).await;
                // A reason to stop applies to all.
                if !matches!(ended, Ok(Pass::Over)) {
                    stop.cancel();
                }
                ended
            });
        }
        let mut pass = Ok(Pass::Over);
        while let Some(ended) = hands.join_next().await {
            let ended = match ended {
                Ok(ended) => ended,
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            };
            if matches!(pass, Ok(Pass::Over)) {
                pass = ended;
            }
        }
        pass
    }

    /// Returns the quota of the reads to which the model gave no reply, after a pass was dropped.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn give_back_quota(&self) -> Result<(), StoreError> {
        match &self.by {
            By::BuiltIn => Ok(()),
            By::Model(asker) => asker.give_back_unanswered(&self.store).await,
        }
    }

    async fn one_hand(
        &self,
        stop: &CancellationToken,
        steps: Option<&mpsc::UnboundedSender<Step>>,
    ) -> Result<Pass, StoreError> {
        while !stop.is_cancelled() {
            let claimed = self.store.claim_again(self.by.name(), Timestamp::now(), self.by.lease()).await?;
            let Some(read) = claimed else { break };
            let (step, end) = self.one_read(Arc::new(read)).await?;
            if let (Some(step), Some(steps)) = (step, steps) {
                // The receiver may be gone.
                let _ = steps.send(step);
            }
            if let Some(end) = end {
                return Ok(end);
            }
        }
        Ok(Pass::Over)
    }

    /// Annotates one read. The second value ends the pass, if the failure is not about the read.
    async fn one_read(&self, read: Arc<ClaimedRead>) -> Result<(Option<Step>, Option<Pass>), StoreError> {
        let now = Timestamp::now();
        match self.by.tell(&self.store, read.clone()).await {
            Ok(told) => Ok((self.finish(&read, told).await?, None)),
            Err(NotTold::Store(error)) => Err(error),
            Err(NotTold::OverBudget) => {
                let tomorrow = next_day(now);
                self.store
                    .fail(&read, "the day's limits were reached", now, Retry::Uncounted(tomorrow))
                    .await?;
                Ok((None, Some(Pass::OverBudget(tomorrow))))
            }
            Err(NotTold::Model(error)) if error.is_about_the_model() => {
                // A request per day finds out whether the quota is there again.
                let soonest = match error {
                    ModelError::QuotaUsedUp { .. } => next_day(now),
                    _ => now.saturating_add(DOWN_FOR).unwrap_or(Timestamp::MAX),
                };
                let wish = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
                let until =
                    now.saturating_add(wish.unwrap_or_default()).unwrap_or(Timestamp::MAX).max(soonest);
                let reason = error.to_string();
                warn!(model = self.by.name(), "{reason}");
                self.store.fail(&read, &reason, now, Retry::Uncounted(until)).await?;
                Ok((None, Some(Pass::Down(reason, until))))
            }
            Err(NotTold::Model(error)) => {
                let retry = schedule::read_retry(now, read.attempts + 1, None, read.id.0);
                let retry = retry.map_or(Retry::SetAside, Retry::At);
                Ok((Some(self.fail(&read, &error.to_string(), retry).await?), None))
            }
            Err(NotTold::Unusable) => {
                let reason = "the model's replies were not of the form that was asked for; another model may do better";
                let retry = schedule::read_retry(now, read.attempts + 1, None, read.id.0);
                let retry = retry.map_or(Retry::SetAside, Retry::At);
                Ok((Some(self.fail(&read, reason, retry).await?), None))
            }
            Err(NotTold::Article(reason)) => {
                Ok((Some(self.fail(&read, &reason, Retry::SetAside).await?), None))
            }
        }
    }

    async fn finish(&self, read: &ClaimedRead, told: Told) -> Result<Option<Step>, StoreError> {
        let former = self.shown(read).await?;
        let refused = told.refusals.iter().map(|refusal| Refused {
            field: refusal.field.to_owned(),
            said: refusal.said.clone(),
            reason: refusal.reason.clone(),
        });
        let refused: Vec<Refused> = refused.collect();
        metrics::counter!("backissue_refusals_total", "by" => "checks of a model's words")
            .increment(refused.len() as u64);
        match self.store.finish_again(read, &told.precis, &refused, Timestamp::now()).await? {
            Finished::LeaseLost => Ok(None),
            Finished::Done => {
                for refusal in &told.refusals {
                    let Refusal { field, said, reason, missing } = refusal;
                    info!(read = %read.id, field, said, ?missing, "read {}: {field} refused, {reason}", read.id);
                }
                // Both with the read's corrections.
                let changed = former != self.shown(read).await?;
                Ok(Some(Step::Done { read: read.id, changed, told: Box::new(told) }))
            }
        }
    }

    /// The present précis of the read, without the name of its annotator.
    async fn shown(&self, read: &ClaimedRead) -> Result<Option<Precis>, StoreError> {
        Ok(self.store.read(read.id).await?.map(|page| says(&page.precis)))
    }

    async fn fail(&self, read: &ClaimedRead, reason: &str, retry: Retry) -> Result<Step, StoreError> {
        info!(read = %read.id, reason, ?retry, "read {} keeps its précis: {reason}", read.id);
        self.store.fail(read, reason, Timestamp::now(), retry).await?;
        Ok(Step::Failed { read: read.id, reason: reason.to_owned() })
    }
}

/// A précis without the name of its annotator, for comparison.
fn says(precis: &Precis) -> Precis {
    let nobody =
        MadeBy { annotator: String::new(), version: String::new(), model: None, prompt_version: None };
    Precis { made_by: nobody, ..precis.clone() }
}

/// The start of the next day in UTC.
fn next_day(now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let tomorrow = today.checked_add(1.day()).unwrap_or(today);
    TimeZone::UTC.to_timestamp(tomorrow.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_starts_at_midnight_in_utc() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        assert_eq!(next_day(at("2026-12-31T23:59:59Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(next_day(at("2026-05-17T00:00:00Z")), at("2026-05-18T00:00:00Z"));
    }
}
