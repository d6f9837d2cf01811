//! Reads to be annotated again, and the replies and costs of language models (tables `answer` and
//! `model_usage`).
//!
//! Such a read keeps its stage and its précis. Its row is the job, with the annotator's name in
//! `ask`.

use backissue_model::{ReadId, Week};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::database::{Row, Sql, Tried, Tx, placeholders, sql, sql_listing, sql_of};
use crate::times::millis;
use crate::{Store, StoreError};

/// The sums of the columns of a [`Spent`].
const SUMS: &str = "CAST(sum(reads) AS BIGINT) AS reads,
        CAST(sum(questions) AS BIGINT) AS questions,
        CAST(sum(input_tokens) AS BIGINT) AS input_tokens,
        CAST(sum(output_tokens) AS BIGINT) AS output_tokens,
        CAST(sum(cached_tokens) AS BIGINT) AS cached_tokens,
        CAST(sum(cache_writes) AS BIGINT) AS cache_writes,
        CAST(sum(batch_input_tokens) AS BIGINT) AS batch_input_tokens,
        CAST(sum(batch_output_tokens) AS BIGINT) AS batch_output_tokens,
        CAST(sum(failures) AS BIGINT) AS failures";

/// Which annotated reads to select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All annotated reads.
    All,
    /// Annotated reads of this week and later weeks.
    Since(Week),
    /// The reads with these ids. Ids of other reads are ignored.
    These(Vec<ReadId>),
}

impl Selection {
    /// The condition on a row of `read`, which `alias` names, and the number of values of its list.
    /// Its values are numbered from 3 on.
    pub(crate) fn condition(&self, alias: &str) -> (String, usize) {
        match self {
            Self::All => (String::new(), 0),
            Self::Since(_) => (format!("AND {alias}week >= $3"), 0),
            Self::These(ids) => (format!("AND {alias}id IN ({})", placeholders(3, ids.len())), ids.len()),
        }
    }

    /// The query with the values of [`Self::condition`].
    pub(crate) fn bind(&self, query: Sql) -> Sql {
        match self {
            Self::All => query,
            Self::Since(week) => query.bind(week.to_string()),
            Self::These(ids) => query.bind_all(ids.iter().map(|id| id.0)),
        }
    }
}

/// A model's limits per day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of reads. `None` means no limit.
    pub reads: Option<u64>,
    /// Maximum number of tokens of prompts and replies together. `None` means no limit. A read that
    /// was started below the limit is finished.
    pub tokens: Option<u64>,
}

/// The cost of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Reads for which the model was used.
    pub reads: u64,
    /// Prompts with a reply.
    pub questions: u64,
    /// Tokens of prompts.
    pub input_tokens: u64,
    /// Tokens of replies.
    pub output_tokens: u64,
    /// Tokens of prompts that the server had in its cache.
    pub cached_tokens: u64,
    /// Tokens of prompts that the server wrote to its cache.
    pub cache_writes: u64,
    /// Tokens of prompts in batches.
    pub batch_input_tokens: u64,
    /// Tokens of replies in batches.
    pub batch_output_tokens: u64,
    /// Prompts without a reply.
    pub failures: u64,
}

/// The cost of a model on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayUsage {
    /// The day in UTC, e.g. `2026-05-17`.
    pub day: String,
    /// The model's name in the settings.
    pub model: String,
    /// The cost.
    pub spent: Spent,
}

/// The cost of a model in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthUsage {
    /// The month in UTC, e.g. `2026-05`.
    pub month: String,
    /// The model's name in the settings.
    pub model: String,
    /// The cost.
    pub spent: Spent,
}

/// A field that a model wrote and the checks refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The field, e.g. `problem`.
    pub field: String,
    /// The text of the model's field.
    pub said: String,
    /// Why it was refused.
    pub reason: String,
}

/// A read with fields that were refused in its model's last précis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRead {
    /// The read.
    pub id: ReadId,
    /// Its title.
    pub title: String,
    /// The refused fields, in the order in which the model wrote them. Never empty.
    pub refused: Vec<Refused>,
}

/// The name under which a read waits for the built-in annotator after it moved to another source.
/// The company changes with the source, and so does the meaning of "we".
pub const OWNER_CHANGED: &str = "owner changed";

impl Store {
    /// Requests that `by` annotates these reads again, and returns their number. Skips reads that
    /// `by` is working on.
    pub async fn ask_for(&self, selection: &Selection, by: &str, now: Timestamp) -> Result<u64, StoreError> {
        let (condition, values) = selection.condition("");
        let update = format!(
            "UPDATE read SET ask = $1, due_at = $2, held = 0, claim = claim + 1, attempts = 0
             WHERE stage = 'annotated' AND NOT (held = 1 AND due_at > $2) {condition}"
        );
        let update = sql_listing(update, values).bind(by).bind(millis(now));
        self.change("asking for new précis", selection.bind(update)).await
    }

    /// Cancels requests to `by` that are not in progress, and returns their number.
    pub async fn ask_no_more(&self, by: &str) -> Result<u64, StoreError> {
        let update = sql("UPDATE read SET ask = NULL, due_at = NULL
             WHERE stage = 'annotated' AND due_at IS NOT NULL AND held = 0 AND ask = $1");
        self.change("taking back what was asked for", update.bind(by)).await
    }

    /// Number of reads that `by` is requested to annotate.
    pub async fn asked_for(&self, by: &str) -> Result<u64, StoreError> {
        let query = sql("SELECT count(*) AS reads FROM read
             WHERE stage = 'annotated' AND due_at IS NOT NULL AND ask = $1");
        let reads = self.one("counting what was asked for", query.bind(by), |row| row.count("reads"));
        Ok(reads.await?.unwrap_or(0))
    }

    /// The annotators that are requested to annotate reads, now or later, each with its number of
    /// reads.
    pub async fn asked(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let query = sql("SELECT ask, count(*) AS reads FROM read
             WHERE stage = 'annotated' AND due_at IS NOT NULL AND ask IS NOT NULL GROUP BY ask ORDER BY ask");
        self.list("counting what was asked for", query, |row| Ok((row.text("ask")?, row.count("reads")?)))
            .await
    }

    /// A model's earlier reply to a prompt. `question` is a hash of the whole request.
    pub async fn answer(
        &self,
        question: u128,
        prompt_version: &str,
        model: &str,
    ) -> Result<Option<String>, StoreError> {
        let query =
            sql("SELECT reply FROM answer WHERE question = $1 AND prompt_version = $2 AND model = $3");
        let query = query.bind(format!("{question:032x}")).bind(prompt_version).bind(model);
        self.one("looking up an answer", query, |row| row.text("reply")).await
    }

    /// Deletes a model's reply to a prompt. Returns false if there was none.
    pub async fn forget_answer(
        &self,
        question: u128,
        prompt_version: &str,
        model: &str,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM answer WHERE question = $1 AND prompt_version = $2 AND model = $3");
        let delete = delete.bind(format!("{question:032x}")).bind(prompt_version).bind(model);
        Ok(self.change("forgetting an answer", delete).await? > 0)
    }

    /// Stores a model's reply, and counts its cost for the model `named` in the settings.
    pub async fn keep_answer(
        &self,
        answered: Answered<'_>,
        spent: Spent,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Answered { question, prompt_version, model, named, reply } = answered;
        let keep = || async {
            let mut tx = self.database.begin().await?;
            let insert = sql(
                "INSERT INTO answer (question, prompt_version, model, reply, answered_at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (question, prompt_version, model) DO UPDATE SET
                    reply = excluded.reply, answered_at = excluded.answered_at",
            );
            let insert = insert.bind(format!("{question:032x}")).bind(prompt_version).bind(model);
            tx.run(insert.bind(reply).bind(millis(now))).await?;
            tx.run(spend(named, spent, now)).await?;
            tx.commit().await
        };
        self.retry("keeping an answer", keep).await
    }

    /// Adds to a model's cost.
    pub async fn record_spent(&self, model: &str, spent: Spent, now: Timestamp) -> Result<(), StoreError> {
        self.change("counting what a model cost", spend(model, spent, now)).await.map(|_| ())
    }

    /// Reserves one read of the quota for the day of `now` in UTC. Returns false if the quota is
    /// used up. Atomic.
    pub async fn reserve_quota(
        &self,
        model: &str,
        limits: Limits,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let most =
            |limit: Option<u64>| limit.map_or(i64::MAX, |most| i64::try_from(most).unwrap_or(i64::MAX));
        if limits.reads == Some(0) || limits.tokens == Some(0) {
            return Ok(false);
        }
        let insert = sql("INSERT INTO model_usage (day, model, reads) VALUES ($1, $2, 1)
             ON CONFLICT (day, model) DO UPDATE SET reads = model_usage.reads + 1
             WHERE model_usage.reads < $3 AND model_usage.input_tokens + model_usage.output_tokens < $4");
        let insert = insert.bind(day(now)).bind(model).bind(most(limits.reads)).bind(most(limits.tokens));
        Ok(self.change("counting a read to a model's day", insert).await? > 0)
    }

    /// Returns the quota of reads for which the model gave no reply.
    pub async fn give_back_quota(&self, model: &str, reads: u64, now: Timestamp) -> Result<(), StoreError> {
        let update = sql("UPDATE model_usage SET reads = CASE WHEN reads > $3 THEN reads - $3 ELSE 0 END
             WHERE day = $1 AND model = $2");
        let update = update.bind(day(now)).bind(model).bind(i64::try_from(reads).unwrap_or(i64::MAX));
        self.change("giving back reads of a model's day", update).await.map(|_| ())
    }

    /// The reads whose model's précis was refused in part, the `limit` with the highest ids.
    pub async fn refusals(&self, limit: u32) -> Result<Vec<RefusedRead>, StoreError> {
        let query = sql("SELECT r.id, r.title, f.field, f.said, f.reason
             FROM (SELECT DISTINCT read_id FROM refused ORDER BY read_id DESC LIMIT $1) newest
             JOIN read r ON r.id = newest.read_id JOIN refused f ON f.read_id = r.id
             ORDER BY r.id DESC, f.nth");
        self.run("reading what was refused", async {
            let mut reads: Vec<RefusedRead> = Vec::new();
            for row in self.database.rows(query.bind(limit)).await? {
                let id = ReadId(row.int("id")?);
                if reads.last().is_none_or(|last| last.id != id) {
                    reads.push(RefusedRead { id, title: row.text("title")?, refused: Vec::new() });
                }
                if let Some(read) = reads.last_mut() {
                    read.refused.push(refused_of_row(&row)?);
                }
            }
            Ok(reads)
        })
        .await
    }

    /// The fields that were refused in the précis of one read.
    pub(crate) async fn refused_of(&self, id: ReadId) -> Tried<Vec<Refused>> {
        let query = sql("SELECT field, said, reason FROM refused WHERE read_id = $1 ORDER BY nth");
        self.database.rows(query.bind(id.0)).await?.iter().map(refused_of_row).collect()
    }

    /// The cost of each model in all.
    pub async fn spent_by_model(&self) -> Result<Vec<(String, Spent)>, StoreError> {
        let query = sql_of(format!("SELECT model, {SUMS} FROM model_usage GROUP BY model ORDER BY model"));
        self.list("adding up what models cost", query, |row| Ok((row.text("model")?, spent_of_row(row)?)))
            .await
    }

    /// The cost of each model per month, newest month first, at most `limit` rows.
    pub async fn spent_by_month(&self, limit: u32) -> Result<Vec<MonthUsage>, StoreError> {
        let query = sql_of(format!(
            "SELECT substr(day, 1, 7) AS month, model, {SUMS} FROM model_usage
             GROUP BY substr(day, 1, 7), model ORDER BY month DESC, model LIMIT $1"
        ));
        self.list("adding up what models cost per month", query.bind(limit), |row| {
            Ok(MonthUsage { month: row.text("month")?, model: row.text("model")?, spent: spent_of_row(row)? })
        })
        .await
    }

    /// The cost of each model per day, newest day first, at most `limit` rows.
    pub async fn model_usage(&self, limit: u32) -> Result<Vec<DayUsage>, StoreError> {
        let query =
            sql("SELECT day, model, reads, questions, input_tokens, output_tokens, cached_tokens, cache_writes, batch_input_tokens,
                batch_output_tokens, failures FROM model_usage ORDER BY day DESC, model LIMIT $1");
        self.list("reading what models cost", query.bind(limit), |row| {
            Ok(DayUsage { day: row.text("day")?, model: row.text("model")?, spent: spent_of_row(row)? })
        })
        .await
    }
}

/// A statement that forgets what was refused of a read's précis.
pub(crate) fn forgetting_refused(id: ReadId) -> Sql {
    sql("DELETE FROM refused WHERE read_id = $1").bind(id.0)
}

/// Replaces what was refused of a read's précis.
pub(crate) async fn set_refused(tx: &mut Tx, id: ReadId, refused: &[Refused]) -> Tried<()> {
    tx.run(forgetting_refused(id)).await?;
    for (nth, Refused { field, said, reason }) in (0i64..).zip(refused) {
        let insert =
            sql("INSERT INTO refused (read_id, nth, field, said, reason) VALUES ($1, $2, $3, $4, $5)");
        let insert = insert.bind(id.0).bind(nth).bind(field.as_str());
        tx.run(insert.bind(said.as_str()).bind(reason.as_str())).await?;
    }
    Ok(())
}

fn spent_of_row(row: &Row) -> Tried<Spent> {
    Ok(Spent {
        reads: row.count("reads")?,
        questions: row.count("questions")?,
        input_tokens: row.count("input_tokens")?,
        output_tokens: row.count("output_tokens")?,
        cached_tokens: row.count("cached_tokens")?,
        cache_writes: row.count("cache_writes")?,
        batch_input_tokens: row.count("batch_input_tokens")?,
        batch_output_tokens: row.count("batch_output_tokens")?,
        failures: row.count("failures")?,
    })
}

pub(crate) fn refused_of_row(row: &Row) -> Tried<Refused> {
    Ok(Refused { field: row.text("field")?, said: row.text("said")?, reason: row.text("reason")? })
}

/// A reply to store.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// A hash of the whole request.
    pub question: u128,
    /// The version of the prompt.
    pub prompt_version: &'a str,
    /// The server's name for the model.
    pub model: &'a str,
    /// The model's name in the settings.
    pub named: &'a str,
    /// The reply.
    pub reply: &'a str,
}

fn spend(model: &str, spent: Spent, now: Timestamp) -> Sql {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    sql("INSERT INTO model_usage
            (day, model, reads, questions, input_tokens, output_tokens, failures, cached_tokens, cache_writes,
             batch_input_tokens, batch_output_tokens)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (day, model) DO UPDATE SET
            reads = model_usage.reads + excluded.reads, questions = model_usage.questions + excluded.questions,
            input_tokens = model_usage.input_tokens + excluded.input_tokens,
            output_tokens = model_usage.output_tokens + excluded.output_tokens,
            failures = model_usage.failures + excluded.failures,
            cached_tokens = model_usage.cached_tokens + excluded.cached_tokens,
            cache_writes = model_usage.cache_writes + excluded.cache_writes,
            batch_input_tokens = model_usage.batch_input_tokens + excluded.batch_input_tokens,
            batch_output_tokens = model_usage.batch_output_tokens + excluded.batch_output_tokens")
    .bind(day(now))
    .bind(model)
    .bind(number(spent.reads))
    .bind(number(spent.questions))
    .bind(number(spent.input_tokens))
    .bind(number(spent.output_tokens))
    .bind(number(spent.failures))
    .bind(number(spent.cached_tokens))
    .bind(number(spent.cache_writes))
    .bind(number(spent.batch_input_tokens))
    .bind(number(spent.batch_output_tokens))
}

/// The day of a moment in UTC.
fn day(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).date().to_string()
}
