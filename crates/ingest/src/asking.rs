//! Annotates one read with a language model: prompt, reply, gate, second prompt.
//!
//! Replies are stored and reused. `annotate` decides what a statement may say; this module only
//! sends prompts and receives replies.

use std::sync::Arc;

use backissue_annotate::asking::{ARTICLE_CHARACTERS, Asking, PROMPT_VERSION, Question, Readings, Refusal};
use backissue_llm::{Model, ModelError, Prompt};
use backissue_model::Precis;
use backissue_store::{Answered, ClaimedRead, Limits, Spent, Store, StoreError};
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use crate::annotating::{built_in_precis, with_text};

/// A model and its limits.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The model.
    pub model: Model,
    /// Its limits per day.
    pub limits: Limits,
    /// Maximum characters of an article in a prompt.
    pub characters: usize,
}

/// The result of annotating a read with a model.
#[derive(Clone, Debug)]
pub struct Told {
    /// The précis; the built-in annotator's if there was nothing to prompt for.
    pub precis: Precis,
    /// What the gate refused, in both replies.
    pub refusals: Vec<Refusal>,
    /// Fields from the built-in annotator, because the model's were refused.
    pub fell_back: Vec<&'static str>,
    /// Prompts that were sent now. The others had stored replies.
    pub questions: u32,
}

/// Why the model gave no précis.
#[derive(Debug)]
pub(crate) enum NotTold {
    /// The day's limits are reached.
    OverBudget,
    /// The model did not answer.
    Model(ModelError),
    /// The model's replies did not have the requested form.
    Unusable,
    /// The read has no article, or its text stopped the built-in annotator.
    Article(String),
    Store(StoreError),
}

impl From<StoreError> for NotTold {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The state of annotating one read.
struct Dealings<'a> {
    asker: &'a Asker,
    store: &'a Store,
    has_leave: bool,
    questions: u32,
}

impl Asker {
    /// A model without limits, with the default share of an article per prompt.
    pub fn new(model: Model) -> Self {
        Self { model, limits: Limits::default(), characters: ARTICLE_CHARACTERS }
    }

    /// The model's name in the settings.
    pub fn name(&self) -> &str {
        self.model.name()
    }

    /// The précis of a read's article by the model, as far as the gate accepts it.
    pub(crate) async fn tell(&self, store: &Store, read: Arc<ClaimedRead>) -> Result<Told, NotTold> {
        let built_in = built_in_precis(read.clone()).await.map_err(NotTold::Article)?;
        let mut dealings = Dealings { asker: self, store, has_leave: false, questions: 0 };
        let mut readings = Readings::default();
        loop {
            // Borrowed text cannot be held while waiting for a model, so it is prepared again after
            // each wait.
            let question = self.asking(&read, &built_in, |asking| asking.next_question(&readings));
            let Some(question) = question.flatten() else { break };
            // If the model fails now, the read is due later. Replies until then are stored.
            let given = dealings.reply(&question).await?;
            self.asking(&read, &built_in, |asking| asking.read(&mut readings, &given.reply));
            dealings.account(&question, &given, readings.last_was_usable()).await?;
        }
        if dealings.questions > 0 && !readings.have_an_answer() {
            return Err(NotTold::Unusable);
        }
        let refusals = readings.refusals().cloned().collect();
        let model = &self.model.settings().model;
        let settled = self.asking(&read, &built_in, |asking| asking.settle(&readings, model));
        let (precis, fell_back) = settled.map_or((built_in, Vec::new()), |s| (s.precis, s.fell_back));
        Ok(Told { precis, refusals, fell_back, questions: dealings.questions })
    }

    /// Calls `then` with the read's [`Asking`]. Returns `None` if there is nothing to prompt for.
    fn asking<T>(
        &self,
        read: &ClaimedRead,
        built_in: &Precis,
        then: impl FnOnce(Asking<'_>) -> T,
    ) -> Option<T> {
        with_text(read, |text| Asking::about(text, built_in.clone(), self.characters).map(then)).flatten()
    }
}

/// A reply, and what it cost if it was not kept from before.
struct Given {
    reply: String,
    spent: Option<Spent>,
}

impl Dealings<'_> {
    /// The reply to a prompt: a stored one, or the model's.
    async fn reply(&mut self, question: &Question) -> Result<Given, NotTold> {
        let model = &self.asker.model.settings().model;
        if let Some(reply) = self.store.answer(hash_of(question), PROMPT_VERSION, model).await? {
            return Ok(Given { reply, spent: None });
        }
        let name = self.asker.name();
        if !self.has_leave {
            if !self.store.reserve_quota(name, self.asker.limits, Timestamp::now()).await? {
                return Err(NotTold::OverBudget);
            }
            self.has_leave = true;
        }
        let Question { system, user, schema } = question;
        match self.asker.model.ask(&Prompt { system, user, schema }).await {
            Ok(reply) => {
                self.questions += 1;
                let spent = Spent {
                    questions: 1,
                    input_tokens: reply.usage.input_tokens,
                    output_tokens: reply.usage.output_tokens,
                    ..Spent::default()
                };
                Ok(Given { reply: reply.text, spent: Some(spent) })
            }
            Err(error) => {
                let spent = Spent { failures: 1, ..Spent::default() };
                self.store.record_spent(name, spent, Timestamp::now()).await?;
                Err(NotTold::Model(error))
            }
        }
    }

    /// Counts what a reply cost, and keeps it if it is usable.
    async fn account(&self, question: &Question, given: &Given, is_usable: bool) -> Result<(), NotTold> {
        let Given { reply, spent: Some(spent) } = given else { return Ok(()) };
        let (name, now) = (self.asker.name(), Timestamp::now());
        if is_usable {
            let answered = Answered {
                question: hash_of(question),
                prompt_version: PROMPT_VERSION,
                model: &self.asker.model.settings().model,
                named: name,
                reply,
            };
            self.store.keep_answer(answered, *spent, now).await?;
        } else {
            self.store.record_spent(name, *spent, now).await?;
        }
        Ok(())
    }
}

/// A hash of the whole request.
fn hash_of(question: &Question) -> u128 {
    let Question { system, user, schema } = question;
    xxh3_128(format!("{system}\0{user}\0{schema}").as_bytes())
}
