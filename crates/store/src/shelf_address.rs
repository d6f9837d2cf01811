//! Secret addresses of shelves: table `shelf_address`.

use backissue_model::{Label, ReaderId};
use jiff::Timestamp;

use crate::cards::ReadSummary;
use crate::database::sql;
use crate::notes::{ShelfFilter, ShelfOrder};
use crate::pages::card_of_row;
use crate::times::millis;
use crate::{Store, StoreError};

impl Store {
    /// The secret part of the address of the reader's shelf. `None` if it has no address.
    pub async fn shelf_secret(&self, reader: ReaderId) -> Result<Option<String>, StoreError> {
        let query = sql("SELECT secret FROM shelf_address WHERE reader_id = $1");
        self.one("looking up a shelf's address", query.bind(reader.0), |row| row.text("secret")).await
    }

    /// The reader whose shelf has this secret part in its address.
    pub async fn reader_of_shelf(&self, secret: &str) -> Result<Option<ReaderId>, StoreError> {
        let query = sql("SELECT reader_id FROM shelf_address WHERE secret = $1");
        self.one("looking up a shelf's address", query.bind(secret), |row| {
            Ok(ReaderId(row.int("reader_id")?))
        })
        .await
    }

    /// Replaces the secret part of the address of the reader's shelf, or removes the address.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn set_shelf_secret(
        &self,
        reader: ReaderId,
        secret: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let done = self
            .retry("changing a shelf's address", || async {
                let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
                let query = match secret {
                    Some(secret) => {
                        sql("INSERT INTO shelf_address (reader_id, secret, made_at) VALUES ($1, $2, $3)
                     ON CONFLICT (reader_id) DO UPDATE SET
                        secret = excluded.secret, made_at = excluded.made_at")
                        .bind(reader.0)
                        .bind(secret)
                        .bind(millis(now))
                    }
                    None => sql("DELETE FROM shelf_address WHERE reader_id = $1").bind(reader.0),
                };
                tx.run(query).await?;
                tx.commit().await?;
                Ok(Some(()))
            })
            .await?;
        done.ok_or_else(|| self.no_reader(reader))
    }

    /// The reads that the reader kept last, with their précis: at most `limit` (at most 200). With
    /// `label`, only reads that have it.
    pub async fn kept_last(
        &self,
        reader: ReaderId,
        label: Option<&Label>,
        limit: u32,
    ) -> Result<Vec<ReadSummary>, StoreError> {
        let filter = ShelfFilter { label: label.cloned(), ..ShelfFilter::default() };
        let cards = self.run("listing a shelf", async {
            let rows = self.shelf_rows(reader, &filter, ShelfOrder::Kept, None, limit.clamp(1, 200)).await?;
            rows.iter().map(card_of_row).collect()
        });
        self.summaries_of(cards.await?).await
    }
}
