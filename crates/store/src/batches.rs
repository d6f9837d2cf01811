//! Batches of prompts that a model's server is answering (table `batch`), and the reads that they
//! are about.

use backissue_model::ReadId;
use jiff::Timestamp;

use crate::asking::Selection;
use crate::database::{sql, sql_listing};
use crate::read_jobs::{CLAIMED, claimed_of_row};
use crate::times::millis;
use crate::{ClaimedRead, Store, StoreError};

/// A batch that was planned or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedBatch {
    /// The server's name for the batch. Before the batch is sent, our marker.
    pub id: String,
    /// Whether the batch is known to be sent.
    pub is_sent: bool,
    /// The ids of its prompts. `None` if an older version sent it.
    pub prompts: Option<Vec<String>>,
    /// When it was planned.
    pub made_at: Timestamp,
}

impl Store {
    /// Records a batch before it is sent to the server of the model `model`. Its name is `marker`
    /// until the server has given one.
    pub async fn plan_batch(
        &self,
        model: &str,
        marker: &str,
        prompts: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let insert =
            sql("INSERT INTO batch (model, server_id, made_at, is_sent, prompts) VALUES ($1, $2, $3, 0, $4)
             ON CONFLICT (model, server_id) DO NOTHING");
        let insert = insert.bind(model).bind(marker).bind(millis(now)).bind(prompts.join(" "));
        self.change("noting a batch", insert).await.map(|_| ())
    }

    /// Records the server's name for a planned batch.
    pub async fn note_batch(&self, model: &str, marker: &str, batch: &str) -> Result<(), StoreError> {
        let update = sql("UPDATE batch SET server_id = $3, is_sent = 1 WHERE model = $1 AND server_id = $2");
        self.change("noting a batch", update.bind(model).bind(marker).bind(batch)).await.map(|_| ())
    }

    /// The recorded batches of a model, oldest first.
    pub async fn batches(&self, model: &str) -> Result<Vec<NotedBatch>, StoreError> {
        let query = sql("SELECT server_id, made_at, is_sent, prompts FROM batch WHERE model = $1
             ORDER BY made_at, server_id");
        self.list("listing batches", query.bind(model), |row| {
            let prompts = row.opt_text("prompts")?;
            Ok(NotedBatch {
                id: row.text("server_id")?,
                is_sent: row.int("is_sent")? != 0,
                prompts: prompts.map(|ids| ids.split_whitespace().map(str::to_owned).collect()),
                made_at: row.moment("made_at")?,
            })
        })
        .await
    }

    /// Deletes the record of a batch whose replies are stored, that was not sent, or that the
    /// server no longer knows.
    pub async fn forget_batch(&self, model: &str, batch: &str) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM batch WHERE model = $1 AND server_id = $2").bind(model).bind(batch);
        self.change("forgetting a batch", delete).await.map(|_| ())
    }

    /// Annotated reads with their articles, in the order of their ids, the first `limit` after
    /// `after`. They are not claimed, so they cannot be changed with [`Store::finish_again`].
    pub async fn annotated(
        &self,
        selection: &Selection,
        after: ReadId,
        limit: u32,
    ) -> Result<Vec<ClaimedRead>, StoreError> {
        let (condition, values) = selection.condition("r.");
        let query = format!(
            "{} WHERE r.stage = 'annotated' AND r.id > $1 AND a.read_id IS NOT NULL {condition} ORDER BY r.id LIMIT $2",
            CLAIMED.as_str()
        );
        let query = sql_listing(query, values).bind(after.0).bind(limit);
        self.list("reading articles", selection.bind(query), claimed_of_row).await
    }
}
