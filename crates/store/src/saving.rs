//! Pages that a reader saves by address: reads of the source "Saved".

use backissue_model::{CanonicalUrl, Entry, Mark, NewSource, ReadId, ReaderId};
use jiff::Timestamp;

use crate::archive::touch;
use crate::database::sql;
use crate::polls::{Room, admit, admitted};
use crate::sources::follow_in;
use crate::{Admission, FoundBy, Store, StoreError};

/// The title of the source of saved pages.
pub const SAVED: &str = "Saved";

/// The result of saving a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSaved {
    /// It is a new read, which is to be fetched.
    New(ReadId),
    /// The archive has it as this read.
    Known(ReadId),
    /// Pages of too many hosts wait to be fetched. Nothing was changed.
    TooManyWaiting,
}

/// A page that a reader keeps and that is not shown yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedWaiting {
    /// Its address.
    pub url: String,
    /// Why the last attempt to fetch or read it failed.
    pub error: Option<String>,
    /// Whether it is not tried again without a request by a person.
    pub is_given_up: bool,
}

impl Store {
    /// The pages that the reader keeps and that are not shown yet, last kept first.
    pub async fn saved_waiting(&self, reader: ReaderId, limit: u32) -> Result<Vec<SavedWaiting>, StoreError> {
        let query = sql("SELECT r.url, r.error, r.due_at FROM mark m JOIN read r ON r.id = m.read_id
             WHERE m.reader_id = $1 AND m.kept_at IS NOT NULL AND r.stage <> 'annotated' AND r.withdrawn_at IS NULL
             ORDER BY m.kept_at DESC, r.id DESC LIMIT $2");
        self.list("listing saved pages", query.bind(reader.0).bind(i64::from(limit)), |row| {
            Ok(SavedWaiting {
                url: row.text("url")?,
                error: row.opt_text("error")?,
                is_given_up: row.opt_int("due_at")?.is_none(),
            })
        })
        .await
    }

    /// Saves a page: it becomes a read of the source [`SAVED`], and the reader keeps it. A page
    /// that the archive already has is only kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn save_page(
        &self,
        reader: ReaderId,
        url: &CanonicalUrl,
        now: Timestamp,
    ) -> Result<PageSaved, StoreError> {
        let saved = self
            .retry("saving a page", || async {
                let mut tx = self.database.begin_admission().await?;
                if let Some(read) = admitted(&mut tx, url).await? {
                    // One that was set aside is tried again.
                    let again = sql("UPDATE read SET due_at = 0, attempts = 0 WHERE id = $1
                         AND due_at IS NULL AND stage <> 'annotated' AND withdrawn_at IS NULL");
                    tx.run(again.bind(read.0)).await?;
                    tx.commit_work().await?;
                    return Ok(PageSaved::Known(read));
                }
                let (source, _) = follow_in(&mut tx, &source_of_saved(), now).await?;
                let entry = Entry { url: Some(url.as_url().clone()), ..Entry::default() };
                let page = [Admission { url: url.clone(), entry }];
                admit(&mut tx, source, &page, FoundBy::Feed, Room::default(), now, &self.zone).await?;
                let Some(read) = admitted(&mut tx, url).await? else {
                    tx.abandon().await?;
                    return Ok(PageSaved::TooManyWaiting);
                };
                touch(&mut tx).await?;
                tx.commit_work().await?;
                Ok(PageSaved::New(read))
            })
            .await?;
        if let PageSaved::New(read) | PageSaved::Known(read) = saved {
            self.mark(reader, read, Mark::Keep, true, now).await?;
        }
        Ok(saved)
    }
}

impl Store {
    /// Admits pages from a person's list, with their titles, as reads of the source [`SAVED`],
    /// unless the archive has them. They may be on any number of hosts. Sets no marks. Returns the
    /// number of new reads.
    pub async fn admit_saved(
        &self,
        pages: &[(CanonicalUrl, String)],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let admission = |(url, title): &(CanonicalUrl, String)| {
            let title = Some(title.clone()).filter(|title| !title.trim().is_empty());
            let entry = Entry { url: Some(url.as_url().clone()), title, ..Entry::default() };
            Admission { url: url.clone(), entry }
        };
        let pages: Vec<Admission> = pages.iter().map(admission).collect();
        let room = Room { is_of_any_hosts: true, ..Room::default() };
        self.retry("saving pages", || async {
            let mut tx = self.database.begin_admission().await?;
            let (source, _) = follow_in(&mut tx, &source_of_saved(), now).await?;
            let mut new = Vec::new();
            for page in &pages {
                if admitted(&mut tx, &page.url).await?.is_none() {
                    new.push(page.clone());
                }
            }
            admit(&mut tx, source, &new, FoundBy::Feed, room, now, &self.zone).await?;
            touch(&mut tx).await?;
            tx.commit_work().await?;
            Ok(new.len() as u64)
        })
        .await
    }
}

fn source_of_saved() -> NewSource {
    NewSource {
        title: SAVED.to_owned(),
        company: None,
        site_url: None,
        feed_url: None,
        sitemap_url: None,
        listing_url: None,
    }
}
