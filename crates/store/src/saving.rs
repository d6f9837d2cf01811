//! Pages that a reader saves by address: reads of the source "Saved".

use backissue_model::{CanonicalUrl, Entry, Mark, NewSource, ReadId, ReaderId};
use jiff::Timestamp;

use crate::archive::touch;
use crate::polls::{admit, admitted};
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

impl Store {
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
                    tx.abandon().await?;
                    return Ok(PageSaved::Known(read));
                }
                let (source, _) = follow_in(&mut tx, &source_of_saved(), now).await?;
                let entry = Entry { url: Some(url.as_url().clone()), ..Entry::default() };
                let page = [Admission { url: url.clone(), entry }];
                admit(&mut tx, source, &page, FoundBy::Feed, None, now, &self.zone).await?;
                let Some(read) = admitted(&mut tx, url).await? else {
                    tx.abandon().await?;
                    return Ok(PageSaved::TooManyWaiting);
                };
                touch(&mut tx).await?;
                tx.commit().await?;
                Ok(PageSaved::New(read))
            })
            .await?;
        if let PageSaved::New(read) | PageSaved::Known(read) = saved {
            self.mark(reader, read, Mark::Keep, true, now).await?;
        }
        Ok(saved)
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
