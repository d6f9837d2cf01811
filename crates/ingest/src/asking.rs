//! Annotates one read with a language model: sends the prompt, checks the reply with the gate, and
//! sends the prompt for the second reading.
//!
//! Replies are stored and reused. `annotate` decides what a statement may say; this module only
//! sends prompts and receives replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use backissue_annotate::asking::{Asking, AsksFor, PromptSettings, Question, Readings, Refusal};
use backissue_llm::{Model, ModelError, Prompt, Usage};
use backissue_model::{Precis, ReadId};
use backissue_store::{Answered, ClaimedRead, Limits, Selection, Spent, Store, StoreError};
use jiff::Timestamp;
use tracing::warn;
use xxhash_rust::xxh3::xxh3_128;

use crate::built_in::{built_in_precis, with_text};

/// A model and its limits.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The model.
    pub model: Model,
    /// The model's daily limits.
    pub limits: Limits,
    /// The model that checks statements against the article. By default, `model` does.
    pub checker: Option<Model>,
    /// The version of the prompt, and how much of an article it has.
    pub prompt: PromptSettings,
    /// Maximum characters of an article in a prompt. It shrinks when the model refuses a prompt as
    /// too long.
    fits: Arc<AtomicUsize>,
    /// Number of reads with a reserved quota for which no reply has come yet.
    unanswered: Arc<AtomicU64>,
}

/// Number of reads that are loaded from the archive at once.
const READS_AT_ONCE: u32 = 50;

/// Minimum characters of an article in a prompt. The limit does not shrink below this.
const CHARACTERS_MIN: usize = 1_000;

/// The result of annotating a read with a model.
#[derive(Clone, Debug)]
pub struct Told {
    /// The précis. It is the built-in annotator's if the article has no sentence to prompt for.
    pub precis: Precis,
    /// The fields that the gate refused, in all replies.
    pub refusals: Vec<Refusal>,
    /// Names of the fields that are from the built-in annotator, because the model's were refused.
    pub fell_back: Vec<&'static str>,
    /// Number of prompts that were sent now. Other prompts had stored replies.
    pub questions: u32,
}

/// Why the model made no précis.
#[derive(Debug)]
pub(crate) enum NotTold {
    /// The daily limits are reached.
    OverBudget,
    /// The model did not answer.
    Model(ModelError),
    /// The model's replies did not have the requested form.
    Unusable,
    /// The read has no article, or the built-in annotator failed on its text.
    Article(String),
    Store(StoreError),
}

impl From<StoreError> for NotTold {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The state while one read is annotated.
struct Dealings<'a> {
    asker: &'a Asker,
    store: &'a Store,
    has_leave: bool,
    questions: u32,
}

impl Asker {
    /// A model without daily limits, with the default prompt. It also does the second reading.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            limits: Limits::default(),
            checker: None,
            prompt: PromptSettings::default(),
            fits: Arc::new(AtomicUsize::new(usize::MAX)),
            unanswered: Arc::default(),
        }
    }

    /// Returns the quota of the reads that an interruption left without any reply.
    pub(crate) async fn give_back_unanswered(&self, store: &Store) -> Result<(), StoreError> {
        match self.unanswered.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            reads => store.give_back_quota(self.name(), reads, Timestamp::now()).await,
        }
    }

    /// One read fewer is without a reply: it has one, or its quota is returned.
    fn one_less_unanswered(&self) {
        let less = |reads: u64| reads.checked_sub(1);
        // An interruption may have returned the quota of all just before.
        let _ = self.unanswered.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// The settings of the prompt, with the present maximum of characters.
    pub(crate) fn fitting(&self) -> PromptSettings {
        let characters = self.prompt.characters.min(self.fits.load(Ordering::Relaxed));
        PromptSettings { characters, ..self.prompt }
    }

    /// Halves the maximum of characters for this and all later reads, because a prompt with the
    /// settings `refused` was too long. Returns false if the minimum is reached.
    fn lower(&self, refused: PromptSettings) -> bool {
        let lower = refused.characters_max() / 2;
        if lower < CHARACTERS_MIN {
            return false;
        }
        if self.fits.fetch_min(lower, Ordering::Relaxed) > lower {
            warn!(
                model = self.name(),
                "the context of model `{}` is too small for {} characters of an article; prompts now hold {lower}",
                self.name(),
                refused.characters_max()
            );
        }
        true
    }

    /// Counts the cost of a reply, and stores the reply if it is usable.
    pub(crate) async fn keep(
        &self,
        store: &Store,
        answer: Answer<'_>,
        is_usable: bool,
    ) -> Result<(), StoreError> {
        let Answer { question, model, reply, spent } = answer;
        let (named, now) = (model.name(), Timestamp::now());
        if !is_usable {
            return store.record_spent(named, spent, now).await;
        }
        let prompt_version = self.prompt.version.as_str();
        let answered = Answered { question, prompt_version, model: &model.settings().model, named, reply };
        store.keep_answer(answered, spent, now).await
    }

    /// Deletes the stored replies about these reads, so that the model is asked again. Returns the
    /// number of deleted replies.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_replies(&self, store: &Store, selection: &Selection) -> Result<u64, StoreError> {
        let (mut forgotten, mut after) = (0, ReadId(0));
        loop {
            let reads = store.annotated(selection, after, READS_AT_ONCE).await?;
            let Some(last) = reads.last() else { return Ok(forgotten) };
            after = last.id;
            for read in reads {
                forgotten += self.forget_replies_about(store, Arc::new(read)).await?;
            }
        }
    }

    /// Deletes the stored replies about one read. Each prompt follows from the replies before it,
    /// so the replies are found one by one.
    async fn forget_replies_about(&self, store: &Store, read: Arc<ClaimedRead>) -> Result<u64, StoreError> {
        let Ok(built_in) = built_in_precis(read.clone()).await else { return Ok(0) };
        let asked = Asked { read: &read, built_in: &built_in, prompt: self.fitting() };
        let version = self.prompt.version.as_str();
        let mut readings = Readings::default();
        let mut forgotten = 0;
        while let Some(question) = asked.with(|asking| asking.next_question(&readings)).flatten() {
            let (hash, model) = (hash_of(&question), &self.model_for(&question).settings().model);
            let Some(reply) = store.answer(hash, version, model).await? else { break };
            forgotten += u64::from(store.forget_answer(hash, version, model).await?);
            asked.with(|asking| asking.read(&mut readings, &reply));
        }
        Ok(forgotten)
    }

    /// The model that must answer the prompt.
    fn model_for(&self, question: &Question) -> &Model {
        match question.asks_for {
            AsksFor::Precis => &self.model,
            AsksFor::Check => self.checker.as_ref().unwrap_or(&self.model),
        }
    }

    /// The model's name in the settings.
    pub fn name(&self) -> &str {
        self.model.name()
    }

    /// The model's précis of a read's article, with the fields that the gate accepted.
    pub(crate) async fn tell(&self, store: &Store, read: Arc<ClaimedRead>) -> Result<Told, NotTold> {
        let built_in = built_in_precis(read.clone()).await.map_err(NotTold::Article)?;
        loop {
            let prompt = self.fitting();
            match self.tell_within(prompt, store, &read, &built_in).await {
                Err(NotTold::Model(error)) if error.is_about_the_context() && self.lower(prompt) => {}
                told => return told,
            }
        }
    }

    async fn tell_within(
        &self,
        prompt: PromptSettings,
        store: &Store,
        read: &ClaimedRead,
        built_in: &Precis,
    ) -> Result<Told, NotTold> {
        // Borrowed text cannot be held while waiting for a model, so it is prepared again after
        // each wait.
        let asked = Asked { read, built_in, prompt };
        let mut dealings = Dealings { asker: self, store, has_leave: false, questions: 0 };
        let mut readings = Readings::default();
        loop {
            let question = asked.with(|asking| asking.next_question(&readings));
            let Some(question) = question.flatten() else { break };
            // If the model fails now, the read is due later. Replies until then are stored.
            let given = dealings.reply(&question).await?;
            asked.with(|asking| asking.read(&mut readings, &given.reply));
            dealings.account(&question, &given, readings.last_was_usable()).await?;
        }
        if dealings.questions > 0 && !readings.have_an_answer() {
            return Err(NotTold::Unusable);
        }
        let refusals = readings.refusals().cloned().collect();
        let model = &self.model.settings().model;
        let settled = asked.with(|asking| asking.settle(&readings, model));
        let (precis, fell_back) = settled.map_or((built_in.clone(), Vec::new()), |s| (s.precis, s.fell_back));
        Ok(Told { precis, refusals, fell_back, questions: dealings.questions })
    }
}

/// A read with what its prompts need.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub read: &'a ClaimedRead,
    pub built_in: &'a Precis,
    pub prompt: PromptSettings,
}

impl Asked<'_> {
    /// Calls `then` with the read's [`Asking`]. Returns `None` if the article has no sentence to
    /// prompt for.
    pub(crate) fn with<T>(self, then: impl FnOnce(Asking<'_>) -> T) -> Option<T> {
        let Self { read, built_in, prompt } = self;
        with_text(read, |text| Asking::about(text, built_in.clone(), prompt).map(then)).flatten()
    }
}

/// A reply, and its cost if it was not stored before.
struct Given {
    reply: String,
    spent: Option<Spent>,
}

impl Dealings<'_> {
    /// The reply to a prompt: the stored one, or the model's.
    async fn reply(&mut self, question: &Question) -> Result<Given, NotTold> {
        let model = self.asker.model_for(question);
        let version = self.asker.prompt.version.as_str();
        if let Some(reply) = self.store.answer(hash_of(question), version, &model.settings().model).await? {
            return Ok(Given { reply, spent: None });
        }
        let name = model.name();
        if !self.has_leave {
            if !self.store.reserve_quota(self.asker.name(), self.asker.limits, Timestamp::now()).await? {
                return Err(NotTold::OverBudget);
            }
            self.has_leave = true;
            self.asker.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        match model.ask(&prompt_of(question)).await {
            Ok(reply) => {
                if self.questions == 0 {
                    self.asker.one_less_unanswered();
                }
                self.questions += 1;
                Ok(Given { reply: reply.text, spent: Some(spent_on(reply.usage)) })
            }
            Err(error) => {
                let (spent, now) = (Spent { failures: 1, ..Spent::default() }, Timestamp::now());
                self.store.record_spent(name, spent, now).await?;
                if self.questions == 0 {
                    // Only what the model answered about is a read that it was used for.
                    self.asker.one_less_unanswered();
                    self.store.give_back_quota(self.asker.name(), 1, now).await?;
                    self.has_leave = false;
                }
                Err(NotTold::Model(error))
            }
        }
    }

    /// Counts the cost of a reply, and stores the reply if it is usable.
    async fn account(&self, question: &Question, given: &Given, is_usable: bool) -> Result<(), NotTold> {
        let Given { reply, spent: Some(spent) } = given else { return Ok(()) };
        let (question, model) = (hash_of(question), self.asker.model_for(question));
        Ok(self.asker.keep(self.store, Answer { question, model, reply, spent: *spent }, is_usable).await?)
    }
}

/// A model's reply.
pub(crate) struct Answer<'a> {
    /// The hash of the prompt.
    pub question: u128,
    /// The model.
    pub model: &'a Model,
    /// The text of the reply.
    pub reply: &'a str,
    /// The cost of the reply.
    pub spent: Spent,
}

pub(crate) fn prompt_of(question: &Question) -> Prompt<'_> {
    Prompt { system: &question.system, user: &question.user, schema: &question.schema }
}

/// The cost of one prompt with a reply.
pub fn spent_on(usage: Usage) -> Spent {
    Spent {
        questions: 1,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_tokens: usage.cached_tokens,
        cache_writes: usage.cache_writes,
        ..Spent::default()
    }
}

/// The hash of a prompt, under which its reply is stored.
pub(crate) fn hash_of(question: &Question) -> u128 {
    let Question { system, user, schema, .. } = question;
    xxh3_128(format!("{system}\0{user}\0{schema}").as_bytes())
}
