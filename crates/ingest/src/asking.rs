//! One read and a language model: question, reply, gate, question again.
//!
//! Replies are kept, and what has been answered before is not asked again. What a statement may say is decided in
//! `annotate`; this module only carries questions and replies.

use std::sync::Arc;

use backissue_annotate::asking::{ARTICLE_CHARACTERS, Asking, PROMPT_VERSION, Question, Reading, Refusal};
use backissue_llm::{Model, ModelError, Prompt};
use backissue_model::Precis;
use backissue_store::{Answered, ClaimedRead, Limits, Spent, Store, StoreError};
use jiff::Timestamp;
use tracing::debug;
use xxhash_rust::xxh3::xxh3_128;

use crate::annotating::{precis_of, with_text};

/// A model and how much of it may be used.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The model.
    pub model: Model,
    /// What it may be asked in a day.
    pub limits: Limits,
    /// Characters of an article that one question holds.
    pub characters: usize,
}

/// What came of asking about a read.
#[derive(Clone, Debug)]
pub struct Told {
    /// The précis; the built-in annotator's where there was nothing to ask.
    pub precis: Precis,
    /// What the gate refused, in both answers.
    pub refusals: Vec<Refusal>,
    /// Fields that are the built-in annotator's, because the model's were refused.
    pub fell_back: Vec<&'static str>,
    /// Questions that the model was asked now; the others had been answered before.
    pub questions: u32,
}

/// Why there is no précis of a model.
#[derive(Debug)]
pub(crate) enum NotTold {
    /// The day's limits are reached.
    OverBudget,
    /// The model gave no answer.
    Model(ModelError),
    /// The read has no article, or its text stopped the built-in annotator.
    Article(&'static str),
    Store(StoreError),
}

impl From<StoreError> for NotTold {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One read's dealings with the model.
struct Dealings<'a> {
    asker: &'a Asker,
    store: &'a Store,
    has_leave: bool,
    questions: u32,
}

impl Asker {
    /// A model without limits, with the usual share of an article in a question.
    pub fn new(model: Model) -> Self {
        Self { model, limits: Limits::default(), characters: ARTICLE_CHARACTERS }
    }

    /// What the settings call the model.
    pub fn name(&self) -> &str {
        self.model.name()
    }

    /// The précis of a read's article as the model tells it and the gate lets it through.
    pub(crate) async fn tell(&self, store: &Store, read: Arc<ClaimedRead>) -> Result<Told, NotTold> {
        let claimed = read.clone();
        let built_in = tokio::task::spawn_blocking(move || precis_of(&claimed))
            .await
            .map_err(|_| NotTold::Article("its text stopped the program's annotator; please report this"))?
            .ok_or(NotTold::Article("its stored article is missing"))?;
        let mut dealings = Dealings { asker: self, store, has_leave: false, questions: 0 };
        let mut readings: Vec<Reading> = Vec::new();
        loop {
            // A borrowed text does not wait for a model: what is needed of it is made anew before and after.
            let question = self.asking(&read, &built_in, |asking| asking.next_question(&readings));
            let Some(question) = question.flatten() else { break };
            let reply = match dealings.reply(&question).await {
                Ok(reply) => reply,
                // What the first answer was good for stays good.
                Err(NotTold::Model(error)) if !readings.is_empty() => {
                    debug!(read = %read.id, "{} was not asked again about read {}: {error}", self.name(), read.id);
                    break;
                }
                Err(NotTold::OverBudget) if !readings.is_empty() => break,
                Err(failure) => return Err(failure),
            };
            readings.extend(self.asking(&read, &built_in, |asking| asking.read(&reply)));
        }
        let refusals = readings.iter().flat_map(|reading| reading.refusals().to_vec()).collect();
        let model = &self.model.settings().model;
        let settled = self.asking(&read, &built_in, |asking| asking.settle(&readings, model));
        let (precis, fell_back) = settled.map_or((built_in, Vec::new()), |s| (s.precis, s.fell_back));
        Ok(Told { precis, refusals, fell_back, questions: dealings.questions })
    }

    /// What `then` makes of the asking about a read; none where there is nothing to ask.
    fn asking<T>(
        &self,
        read: &ClaimedRead,
        built_in: &Precis,
        then: impl FnOnce(Asking<'_>) -> T,
    ) -> Option<T> {
        with_text(read, |text| Asking::about(text, built_in.clone(), self.characters).map(then)).flatten()
    }
}

impl Dealings<'_> {
    /// The reply to a question: the one that was kept, or the model's.
    async fn reply(&mut self, question: &Question) -> Result<String, NotTold> {
        let model = &self.asker.model.settings().model;
        let hash = hash_of(question);
        if let Some(reply) = self.store.answer(hash, PROMPT_VERSION, model).await? {
            return Ok(reply);
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
                let answered = Answered {
                    question: hash,
                    prompt_version: PROMPT_VERSION,
                    model,
                    named: name,
                    reply: &reply.text,
                };
                self.store.keep_answer(answered, spent, Timestamp::now()).await?;
                Ok(reply.text)
            }
            Err(error) => {
                let spent = Spent { failures: 1, ..Spent::default() };
                self.store.record_spent(name, spent, Timestamp::now()).await?;
                Err(NotTold::Model(error))
            }
        }
    }
}

/// A hash of all that is sent.
fn hash_of(question: &Question) -> u128 {
    let Question { system, user, schema } = question;
    xxh3_128(format!("{system}\0{user}\0{schema}").as_bytes())
}
