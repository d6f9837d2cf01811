//! Runs the built-in annotator on a claimed read.

use std::sync::Arc;

use backissue_annotate::Text;
use backissue_model::Precis;
use backissue_store::ClaimedRead;

use crate::compute::compute;

/// The built-in annotator's précis of a read, or the reason why it has none.
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
