//! The step from extracted to annotated: makes the précis.

use std::sync::Arc;

use backissue_store::{ClaimedRead, Finished, Retry, Selection};
use jiff::Timestamp;
use tracing::debug;

use super::failed_read::{RetryHint, give_back};
use crate::built_in::built_in_precis;
use crate::context::Context;
use crate::error::IngestError;

/// Makes the read's précis from its stored article.
pub(crate) async fn run(cx: &Context, read: ClaimedRead) -> Result<(), IngestError> {
    let read = Arc::new(read);
    let precis = match built_in_precis(read.clone()).await {
        Ok(precis) => precis,
        Err(why) => return give_back(cx, &read, &why, RetryHint::InVain).await,
    };
    let now = Timestamp::now();
    let finished = match &cx.settings.annotate_with {
        Some(asker) => cx.store.finish_annotate_and_ask(&read, &precis, asker.name(), now).await?,
        None => cx.store.finish_annotate(&read, &precis, now).await?,
    };
    match finished {
        Finished::Done => {
            debug!(read = %read.id, kind = %precis.kind, "annotated {}", read.url);
            cx.meter.done();
        }
        Finished::LeaseLost => debug!(read = %read.id, "another worker has finished read {}", read.id),
    }
    Ok(())
}

/// Makes a new précis of a read that now belongs to another source. The former précis is shown
/// until then.
pub(crate) async fn for_new_owner(cx: &Context, read: ClaimedRead) -> Result<(), IngestError> {
    let read = Arc::new(read);
    let now = Timestamp::now();
    match built_in_precis(read.clone()).await {
        Ok(precis) => {
            let finished = cx.store.finish_again(&read, &precis, &[], now).await?;
            if let (Finished::Done, Some(asker)) = (finished, &cx.settings.annotate_with) {
                cx.store.ask_for(&Selection::These(vec![read.id]), asker.name(), now).await?;
            }
        }
        Err(why) => {
            cx.store.fail(&read, &why, now, Retry::SetAside).await?;
        }
    }
    Ok(())
}
