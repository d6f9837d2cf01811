//! Batches of prompts that a model's server is answering (table `batch`), and the reads that they
//! are about.

use backissue_model::ReadId;
use jiff::Timestamp;

use crate::asking::Selection;
use crate::database::{sql, sql_listing};
use crate::read_jobs::{CLAIMED, claimed_of_row};
use crate::times::millis;
use crate::{ClaimedRead, Store, StoreError};

impl Store {
    /// Notes that the server of the model called `model` works on a batch.
    pub async fn note_batch(&self, model: &str, batch: &str, now: Timestamp) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO batch (model, server_id, made_at) VALUES ($1, $2, $3)
             ON CONFLICT (model, server_id) DO NOTHING");
        let insert = insert.bind(model).bind(batch).bind(millis(now));
        self.change("noting a batch", insert).await.map(|_| ())
    }

    /// The batches of a model that were noted and not forgotten, oldest first.
    pub async fn batches(&self, model: &str) -> Result<Vec<String>, StoreError> {
        let query =
            sql("SELECT server_id FROM batch WHERE model = $1 ORDER BY made_at, server_id").bind(model);
        self.list("listing batches", query, |row| row.text("server_id")).await
    }

    /// Forgets a batch whose replies are stored, or that the server does not know any more.
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
