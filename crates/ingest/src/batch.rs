//! Fetches a model's replies about many reads in batches, which cost half as much and take up to a
//! day.
//!
//! A batch only stores replies. The next pass of [`crate::Reannotator`] finds them there, and sends
//! only prompts without a stored reply. A run can be interrupted at any time: the name of a batch
//! is stored, and the next run fetches its replies. A batch is also recorded before it is sent, so
//! that the next run finds one whose name was not stored. The id of a prompt in a batch is the
//! prompt's hash.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use backissue_annotate::asking::{AsksFor, Question, Readings};
use backissue_llm::{BATCH_PROMPTS_MAX, BatchPrompt, BatchState, LostBatch, ModelError, Reply};
use backissue_model::{Precis, ReadId};
use backissue_store::{ClaimedRead, NotedBatch, Selection, Spent, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_128;

use crate::asking::{Answer, Asked, Asker, hash_of, prompt_of, spent_on};
use crate::built_in::built_in_precis;

/// Number of reads that are loaded from the archive at once.
const READS_AT_ONCE: u32 = 50;

/// Maximum batches about the same reads: the first prompts, their second readings, the prompts
/// after refusals, and their second readings.
const ROUNDS: usize = 4;

/// Maximum difference between the clocks of this machine and of a model's server.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// An event of a run, about one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchStep {
    /// The batch was sent with this number of prompts.
    Sent(String, usize),
    /// The server is processing the batch: number of processed prompts, and of all prompts.
    Waiting(String, u64, u64),
    /// The usable replies are stored: their number, and the number of other replies.
    Stored(String, usize, usize),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// All available replies are stored.
    Over,
    /// The quota of the day is not enough for all reads.
    OverBudget,
    /// The run was stopped. The server continues with its batches.
    Stopped,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The model's server failed or refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The server gave up a batch.
    #[error("model `{model}`: its server gave the batch {batch} up: {reason}")]
    Failed {
        /// The model.
        model: String,
        /// The batch.
        batch: String,
        /// The server's reason.
        reason: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A run that fetches replies in batches.
#[derive(Debug)]
pub struct Batches<'a> {
    /// The archive.
    pub store: &'a Store,
    /// The model.
    pub asker: &'a Asker,
    /// The pause between two requests for the state of a batch.
    pub pause: Duration,
    /// Maximum bytes of the first prompts in a batch; see [`backissue_llm::BATCH_BYTES_MAX`].
    pub max_bytes: usize,
    /// Stops the run when it is cancelled. The server continues with its batches.
    pub stop: &'a CancellationToken,
}

/// A prompt about a read whose reply is not stored.
struct Missing {
    read: ReadId,
    question: Question,
    /// The earlier replies about the read.
    readings: Readings,
    built_in: Precis,
    /// Whether it is the first prompt about the read.
    is_first: bool,
}

/// The state of a run.
#[derive(Default)]
struct Progress {
    /// The hashes of prompts that got no usable reply. They are not sent in a batch again.
    given_up: HashSet<u128>,
    /// The reads that were counted against the quota.
    reserved: HashSet<ReadId>,
    /// Whether a single prompt has determined which form of requests the server accepts.
    knows_form: bool,
    is_over_budget: bool,
}

impl Batches<'_> {
    /// Fetches the replies that the selected reads need, in as many batches as necessary.
    ///
    /// # Errors
    /// See [`BatchError`]. The replies so far are stored.
    pub async fn run(&self, selection: &Selection, tell: impl Fn(BatchStep)) -> Result<BatchEnd, BatchError> {
        let mut progress = Progress::default();
        let mut after = ReadId(0);
        loop {
            let (mut missing, upto) = self.missing(selection, after, None, &progress).await?;
            if upto == after {
                return Ok(BatchEnd::Over);
            }
            let mut rounds = 0;
            loop {
                let noted = self.store.batches(self.asker.name()).await?;
                if let Some(planned) = noted.iter().find(|batch| !batch.is_sent) {
                    // A run was killed between planning it and noting its name.
                    self.look_up(planned, &noted).await?;
                    continue;
                } else if let Some(batch) = noted.first() {
                    if !self.fetch(batch, missing, &mut progress, &tell).await? {
                        return Ok(BatchEnd::Stopped);
                    }
                } else {
                    self.reserve(&mut missing, &mut progress).await?;
                    if missing.is_empty() || rounds == ROUNDS {
                        break;
                    }
                    if self.stop.is_cancelled() {
                        return Ok(BatchEnd::Stopped);
                    }
                    if progress.knows_form {
                        rounds += 1;
                        let sent = self.send(&missing, &tell).await;
                        if sent.is_err() {
                            self.give_back(missing.iter(), &mut progress).await?;
                        }
                        sent?;
                        // Nothing is answered yet: what is missing is what was sent.
                        continue;
                    } else {
                        progress.knows_form = true;
                        self.ask(missing.swap_remove(0), &mut progress).await?;
                    }
                }
                missing = self.missing(selection, after, Some(upto), &progress).await?.0;
            }
            if progress.is_over_budget {
                return Ok(BatchEnd::OverBudget);
            }
            after = upto;
        }
    }

    /// The prompts without a stored reply about the reads after `after`. Ends at the read `upto`,
    /// or when they fill a batch. Also returns the last read that was examined.
    async fn missing(
        &self,
        selection: &Selection,
        after: ReadId,
        upto: Option<ReadId>,
        progress: &Progress,
    ) -> Result<(Vec<Missing>, ReadId), StoreError> {
        let (mut missing, mut bytes) = (Vec::new(), 0);
        let mut reached = after;
        loop {
            let mut reads = self.store.annotated(selection, reached, READS_AT_ONCE).await?;
            reads.retain(|read| upto.is_none_or(|upto| read.id <= upto));
            if reads.is_empty() {
                return Ok((missing, reached));
            }
            for read in reads {
                let id = read.id;
                let next = self.next(Arc::new(read)).await?;
                if let Some(next) = next.filter(|next| !progress.given_up.contains(&hash_of(&next.question)))
                {
                    bytes += next.question.system.len() + next.question.user.len();
                    let is_full = missing.len() == BATCH_PROMPTS_MAX || bytes > self.max_bytes;
                    if upto.is_none() && is_full && !missing.is_empty() {
                        // This read begins the next batch.
                        return Ok((missing, reached));
                    }
                    missing.push(next);
                }
                reached = id;
            }
        }
    }

    /// The first prompt about a read that has no stored reply. Returns `None` if there is none, or
    /// if another model must answer it.
    async fn next(&self, read: Arc<ClaimedRead>) -> Result<Option<Missing>, StoreError> {
        let Ok(built_in) = built_in_precis(read.clone()).await else { return Ok(None) };
        let prompt = self.asker.fitting();
        let version = prompt.version.as_str();
        let model = self.asker.model.settings().model.as_str();
        let mut readings = Readings::default();
        let mut is_first = true;
        loop {
            let asked = Asked { read: &read, built_in: &built_in, prompt };
            let question = asked.with(|asking| asking.next_question(&readings)).flatten();
            let Some(question) = question else { return Ok(None) };
            if question.asks_for == AsksFor::Check && self.asker.checker.is_some() {
                return Ok(None);
            }
            let stored = self.store.answer(hash_of(&question), version, model).await?;
            let Some(reply) = stored else {
                return Ok(Some(Missing { read: read.id, question, readings, built_in, is_first }));
            };
            asked.with(|asking| asking.read(&mut readings, &reply));
            is_first = false;
        }
    }

    /// Counts reads against the quota of the day. Removes those for which the quota is not enough.
    async fn reserve(&self, missing: &mut Vec<Missing>, progress: &mut Progress) -> Result<(), StoreError> {
        for at in (0..missing.len()).rev() {
            let Missing { read, is_first, .. } = &missing[at];
            if !is_first || progress.reserved.contains(read) {
                continue;
            }
            let limits = self.asker.limits;
            if !progress.is_over_budget
                && self.store.reserve_quota(self.asker.name(), limits, Timestamp::now()).await?
            {
                progress.reserved.insert(*read);
            } else {
                progress.is_over_budget = true;
                missing.swap_remove(at);
            }
        }
        Ok(())
    }

    /// Returns the quota of reads for which the model gave no first reply.
    async fn give_back(
        &self,
        missing: impl Iterator<Item = &Missing>,
        progress: &mut Progress,
    ) -> Result<(), StoreError> {
        let reads = missing.filter(|missing| missing.is_first && progress.reserved.remove(&missing.read));
        let reads = reads.count() as u64;
        if reads > 0 {
            self.store.give_back_quota(self.asker.name(), reads, Timestamp::now()).await?;
        }
        Ok(())
    }

    /// Asks the server whether a recorded batch was sent, and for its name.
    async fn look_up(&self, planned: &NotedBatch, noted: &[NotedBatch]) -> Result<(), BatchError> {
        let known: Vec<String> = noted.iter().map(|batch| batch.id.clone()).collect();
        // The clocks of two machines differ.
        let since = planned.made_at.saturating_sub(CLOCKS_DIFFER).unwrap_or(planned.made_at);
        let lost = LostBatch {
            marker: &planned.id,
            prompts: planned.prompts.as_ref().map_or(0, Vec::len),
            since: &format!("{since:.0}"),
            known: &known,
        };
        match self.asker.model.find_batch(&lost).await? {
            Some(batch) => self.store.note_batch(self.asker.name(), &planned.id, &batch).await?,
            None => self.store.forget_batch(self.asker.name(), &planned.id).await?,
        }
        Ok(())
    }

    /// Sends a batch. Records before sending what is sent, and afterwards its name.
    async fn send(&self, missing: &[Missing], tell: &impl Fn(BatchStep)) -> Result<(), BatchError> {
        let prompts: Vec<BatchPrompt<'_>> = missing
            .iter()
            .map(|Missing { question, .. }| BatchPrompt {
                id: id_of(hash_of(question)),
                prompt: prompt_of(question),
            })
            .collect();
        let (name, now) = (self.asker.name(), Timestamp::now());
        let ids: Vec<String> = prompts.iter().map(|prompt| prompt.id.clone()).collect();
        let archive = self.store.name().await?;
        let marker = id_of(xxh3_128(format!("{archive} {name} {now} {}", ids.join(" ")).as_bytes()));
        self.store.plan_batch(name, &marker, &ids, now).await?;
        let batch = match self.asker.model.submit(&prompts, &marker).await {
            Ok(batch) => batch,
            Err(error) => {
                // Without an answer, the server may have it all the same.
                if !error.may_have_arrived() {
                    self.store.forget_batch(name, &marker).await?;
                }
                return Err(error.into());
            }
        };
        self.store.note_batch(name, &marker, &batch).await?;
        tell(BatchStep::Sent(batch, prompts.len()));
        Ok(())
    }

    /// Waits for the end of a batch and stores its replies. Returns false if the run was stopped
    /// meanwhile.
    async fn fetch(
        &self,
        noted: &NotedBatch,
        missing: Vec<Missing>,
        progress: &mut Progress,
        tell: &impl Fn(BatchStep),
    ) -> Result<bool, BatchError> {
        let (model, name, batch) = (&self.asker.model, self.asker.name(), noted.id.as_str());
        loop {
            match model.batch_state(batch).await {
                Ok(BatchState::Ended) => break,
                Ok(BatchState::Running { done, all }) => {
                    tell(BatchStep::Waiting(batch.to_owned(), done, all));
                }
                Ok(BatchState::Failed(reason)) => {
                    self.store.forget_batch(name, batch).await?;
                    let (model, batch) = (name.to_owned(), batch.to_owned());
                    return Err(BatchError::Failed { model, batch, reason });
                }
                // The server does not keep batches for ever.
                Err(ModelError::NotFound { .. }) => {
                    self.store.forget_batch(name, batch).await?;
                    return Ok(true);
                }
                Err(error) => return Err(error.into()),
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause) => {}
                () = self.stop.cancelled() => return Ok(false),
            }
        }
        let mut by_hash: HashMap<u128, Missing> =
            missing.into_iter().map(|missing| (hash_of(&missing.question), missing)).collect();
        let (mut usable, mut others) = (0, 0);
        let sent = noted.prompts.as_ref().map(|ids| ids.iter().map(String::as_str).collect::<HashSet<_>>());
        for (id, reply) in model.batch_replies(batch).await? {
            // Replies to prompts that nobody sent are not ours.
            let is_ours = sent.as_ref().is_none_or(|sent| sent.contains(id.as_str()));
            let Some(hash) = hash_in(&id).filter(|_| is_ours) else { continue };
            let missing = by_hash.remove(&hash);
            let is_usable = match reply {
                Ok(reply) => self.keep(hash, missing, &reply, true).await?,
                Err(_) => {
                    let spent = Spent { failures: 1, ..Spent::default() };
                    self.store.record_spent(name, spent, Timestamp::now()).await?;
                    self.give_back(missing.iter(), progress).await?;
                    false
                }
            };
            if is_usable {
                usable += 1;
            } else {
                others += 1;
                progress.given_up.insert(hash);
            }
        }
        self.store.forget_batch(name, batch).await?;
        if usable == 0 && others != 1 {
            let reason = "it ended without a usable reply".to_owned();
            return Err(BatchError::Failed { model: name.to_owned(), batch: batch.to_owned(), reason });
        }
        tell(BatchStep::Stored(batch.to_owned(), usable, others));
        Ok(true)
    }

    /// Sends one prompt by itself.
    async fn ask(&self, missing: Missing, progress: &mut Progress) -> Result<(), BatchError> {
        let hash = hash_of(&missing.question);
        let reply = self.asker.model.ask(&prompt_of(&missing.question)).await;
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) if error.is_about_the_model() => {
                self.give_back(std::iter::once(&missing), progress).await?;
                return Err(error.into());
            }
            Err(_) => {
                self.give_back(std::iter::once(&missing), progress).await?;
                progress.given_up.insert(hash);
                return Ok(());
            }
        };
        if !self.keep(hash, Some(missing), &reply, false).await? {
            progress.given_up.insert(hash);
        }
        Ok(())
    }

    /// Counts the cost of a reply, and stores it if it is usable. If the prompt is not known here,
    /// because its read is examined later, any JSON object is usable.
    async fn keep(
        &self,
        hash: u128,
        missing: Option<Missing>,
        reply: &Reply,
        is_batched: bool,
    ) -> Result<bool, StoreError> {
        let mut spent = spent_on(reply.usage);
        if is_batched {
            spent.batch_input_tokens = spent.input_tokens;
            spent.batch_output_tokens = spent.output_tokens;
        }
        let is_usable = match missing {
            Some(missing) => self.is_usable(missing, &reply.text).await?,
            None => serde_json::from_str::<serde_json::Map<_, _>>(&reply.text).is_ok(),
        };
        let answer = Answer { question: hash, model: &self.asker.model, reply: &reply.text, spent };
        self.asker.keep(self.store, answer, is_usable).await?;
        Ok(is_usable)
    }

    async fn is_usable(&self, missing: Missing, reply: &str) -> Result<bool, StoreError> {
        let Missing { read, mut readings, built_in, .. } = missing;
        let reads = self.store.annotated(&Selection::These(vec![read]), ReadId(0), 1).await?;
        let Some(read) = reads.first() else { return Ok(false) };
        let asked = Asked { read, built_in: &built_in, prompt: self.asker.fitting() };
        let usable = asked.with(|asking| {
            asking.read(&mut readings, reply);
            readings.last_was_usable()
        });
        Ok(usable.unwrap_or(false))
    }
}

/// The id of a prompt with this hash.
fn id_of(hash: u128) -> String {
    format!("{hash:032x}")
}

/// The hash in a prompt's id. Returns `None` if this program did not make the id.
fn hash_in(id: &str) -> Option<u128> {
    let is_one = id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    u128::from_str_radix(id, 16).ok().filter(|_| is_one)
}
