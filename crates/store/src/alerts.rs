//! Alerts: messages about new answers to saved searches, to one recipient each. Table `alert`, and
//! the columns `waits` and `alert_id` of `search_hit`.
//!
//! An alert is made from all answers that wait for its recipient, in one transaction, so that an
//! answer is in one alert. Its sending is claimed like that of a week. Recipients are the
//! operators': searches of other readers, and of closed accounts, send nothing.

use std::collections::HashMap;

use backissue_model::ReadId;
use jiff::Timestamp;

use crate::cards::ReadSummary;
use crate::database::{Tried, sql};
use crate::error::Failure;
use crate::times::millis;
use crate::{Store, StoreError};

/// Maximum reads of an alert that are read from the database.
const READS_MAX: u32 = 200;

/// A read of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertHit {
    /// The read.
    pub read: ReadSummary,
    /// The names of the saved searches that it answers.
    pub searches: Vec<String>,
}

/// The last alert to a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertState {
    /// Its number.
    pub alert: i64,
    /// When it was sent; `None` if it was not.
    pub sent_at: Option<Timestamp>,
    /// The last failure.
    pub error: Option<String>,
}

impl Store {
    /// Makes an alert of the answers that wait for this recipient, if the first of them was found
    /// before `found_before`. Returns its number.
    pub async fn make_alert(
        &self,
        recipient: &str,
        found_before: Timestamp,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let waiting = sql("SELECT min(h.found_at) AS earliest FROM saved_search s
                JOIN search_hit h ON h.search_id = s.id AND h.waits = 1
                JOIN reader o ON o.id = s.reader_id
             WHERE s.recipient = $1 AND o.role = 'operator' AND o.closed_at IS NULL");
        let first = self
            .one("looking up answers to be sent", waiting.bind(recipient), |row| row.opt_moment("earliest"));
        if first.await?.flatten().is_none_or(|first| first > found_before) {
            return Ok(None);
        }
        self.retry("making an alert", || async {
            let mut tx = self.database.begin().await?;
            let insert = sql("INSERT INTO alert (recipient, made_at) VALUES ($1, $2) RETURNING id");
            let row = tx.row(insert.bind(recipient).bind(millis(now))).await?;
            let id = row.ok_or_else(|| Failure::Unreadable("an alert without a row".into()))?.int("id")?;
            let take = sql("UPDATE search_hit SET waits = 0, alert_id = $2 WHERE waits = 1
                 AND search_id IN (SELECT s.id FROM saved_search s JOIN reader o ON o.id = s.reader_id
                    WHERE s.recipient = $1 AND o.role = 'operator' AND o.closed_at IS NULL)");
            if tx.run(take.bind(recipient).bind(id)).await? == 0 {
                // Another process was faster.
                tx.abandon().await?;
                return Ok(None);
            }
            tx.commit().await?;
            Ok(Some(id))
        })
        .await
    }

    /// The alerts to this recipient that were neither sent nor given up, oldest first.
    pub async fn open_alerts(&self, recipient: &str) -> Result<Vec<i64>, StoreError> {
        let query = sql("SELECT id FROM alert WHERE recipient = $1 AND ended = 0 ORDER BY id");
        self.list("listing alerts", query.bind(recipient), |row| row.int("id")).await
    }

    /// Stores that an alert was sent or given up.
    pub async fn end_alert(&self, alert: i64) -> Result<(), StoreError> {
        let update = sql("UPDATE alert SET ended = 1 WHERE id = $1");
        self.change("ending an alert", update.bind(alert)).await.map(|_| ())
    }

    /// The reads of an alert with the searches that they answer, the newest read first. Skips reads
    /// that have left the archive, that are hidden from everybody or by the searches' reader, and
    /// that do not answer any more.
    pub async fn alert_hits(&self, alert: i64) -> Result<Vec<AlertHit>, StoreError> {
        let of_alert = self.run("looking up an alert", self.try_alert_hits(alert)).await?;
        let mut searches: HashMap<ReadId, Vec<String>> = HashMap::new();
        let mut reads = Vec::new();
        for (read, name) in of_alert {
            let names = searches.entry(read).or_default();
            if names.is_empty() {
                reads.push(read);
            }
            names.push(name);
        }
        let cards = self.cards(&reads).await?;
        let summaries = self.summaries_of(cards).await?.into_iter();
        let hit = |read: ReadSummary| {
            let searches = searches.remove(&read.card.id).unwrap_or_default();
            AlertHit { read, searches }
        };
        Ok(summaries.map(hit).collect())
    }

    async fn try_alert_hits(&self, alert: i64) -> Tried<Vec<(ReadId, String)>> {
        let query =
            sql("SELECT h.read_id, s.name FROM search_hit h JOIN saved_search s ON s.id = h.search_id
                JOIN reader o ON o.id = s.reader_id AND o.role = 'operator' AND o.closed_at IS NULL
                JOIN read r ON r.id = h.read_id
                LEFT JOIN mark m ON m.read_id = h.read_id AND m.reader_id = s.reader_id
             WHERE h.alert_id = $1 AND h.holds = 1 AND r.stage = 'annotated' AND m.hidden_at IS NULL
             ORDER BY r.filed_at DESC, h.read_id DESC, s.name LIMIT $2");
        let rows = self.database.rows(query.bind(alert).bind(READS_MAX)).await?;
        rows.iter().map(|row| Ok((ReadId(row.int("read_id")?), row.text("name")?))).collect()
    }

    /// The last alert to a recipient.
    pub async fn last_alert(&self, recipient: &str) -> Result<Option<AlertState>, StoreError> {
        let query = sql("SELECT a.id, s.sent_at, s.error FROM alert a
                LEFT JOIN sending s ON s.recipient = a.recipient AND s.dispatch = 'alert-' || a.id
             WHERE a.recipient = $1 ORDER BY a.id DESC LIMIT 1");
        self.one("looking up an alert", query.bind(recipient), |row| {
            Ok(AlertState {
                alert: row.int("id")?,
                sent_at: row.opt_moment("sent_at")?,
                error: row.opt_text("error")?,
            })
        })
        .await
    }
}
