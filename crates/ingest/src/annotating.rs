//! The step from extracted to annotated: makes the précis.

use std::sync::Arc;

use backissue_annotate::Text;
use backissue_model::Precis;
use backissue_store::{ClaimedRead, Finished, Retry, Selection};
use jiff::Timestamp;
use tracing::debug;

use crate::compute::compute;
use crate::workers::{Ingest, IngestError};

impl Ingest {
    /// Makes the read's précis from its stored article.
    pub(crate) async fn annotate_read(&self, read: ClaimedRead) -> Result<(), IngestError> {
        let read = Arc::new(read);
        let precis = match built_in_precis(read.clone()).await {
            Ok(precis) => precis,
            Err(why) => return self.give_back_for_good(&read, &why).await,
        };
        let now = Timestamp::now();
        let finished = match &self.settings.annotate_with {
            Some(asker) => self.store.finish_annotate_and_ask(&read, &precis, asker.name(), now).await?,
            None => self.store.finish_annotate(&read, &precis, now).await?,
        };
        match finished {
            Finished::Done => {
                debug!(read = %read.id, kind = %precis.kind, "annotated {}", read.url);
                self.meter.done();
            }
            Finished::LeaseLost => debug!(read = %read.id, "another worker has finished read {}", read.id),
        }
        Ok(())
    }

    /// Makes a new précis of a read that another source owns now; until then the former one is
    /// shown.
    pub(crate) async fn annotate_for_its_owner(&self, read: ClaimedRead) -> Result<(), IngestError> {
        let read = Arc::new(read);
        let now = Timestamp::now();
        match built_in_precis(read.clone()).await {
            Ok(precis) => {
                let finished = self.store.finish_again(&read, &precis, &[], now).await?;
                if let (Finished::Done, Some(asker)) = (finished, &self.settings.annotate_with) {
                    self.store.ask_for(&Selection::These(vec![read.id]), asker.name(), now).await?;
                }
            }
            Err(why) => {
                self.store.fail(&read, &why, now, Retry::SetAside).await?;
            }
        }
        Ok(())
    }
}

/// The built-in annotator's précis of a read, or why it has none.
pub(crate) async fn built_in_precis(read: Arc<ClaimedRead>) -> Result<Precis, String> {
    match compute(move || with_text(&read, |text| backissue_annotate::annotate(&text))).await {
        Ok(Some(precis)) => Ok(precis),
        Ok(None) => Err("its stored article is missing".to_owned()),
        Err(why) => Err(format!("its précis was not made: {why}")),
    }
}

/// Calls `then` with a read's article in the form that annotators need. Returns `None` without an
/// article.
pub(crate) fn with_text<T>(read: &ClaimedRead, then: impl FnOnce(Text<'_>) -> T) -> Option<T> {
    let article = read.article.as_ref()?;
    // Articles stored before blocks existed have only their HTML.
    let recovered = article.blocks.is_empty().then(|| backissue_extract::blocks(&article.html));
    let summary = read.entry.summary.as_deref().map(backissue_extract::plain_text);
    Some(then(Text {
        title: article.title.as_deref().or(read.entry.title.as_deref()).unwrap_or_default(),
        text: &article.text,
        blocks: recovered.as_ref().unwrap_or(&article.blocks),
        description: article.description.as_deref().or(summary.as_deref()),
        company: &read.company,
        url: Some(read.url.as_url()),
        language: article.language.as_deref().or(read.feed_language.as_deref()),
        tags: &read.entry.tags,
    }))
}
