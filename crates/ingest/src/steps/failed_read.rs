//! Records that a step of a read failed.

use backissue_store::{ClaimedRead, Retry};
use jiff::Timestamp;
use tracing::info;

use crate::context::Context;
use crate::error::IngestError;
use crate::schedule;

/// Whether a retry may help.
pub(crate) enum RetryHint {
    /// The error is temporary; with the server's demanded pause, if it gave one.
    Later(Option<std::time::Duration>),
    /// This machine is offline. The attempt does not count.
    Online,
    /// A retry would fail too.
    InVain,
}

/// Stores the reason, and when the read is tried again.
pub(crate) async fn give_back(
    cx: &Context,
    read: &ClaimedRead,
    reason: &str,
    again: RetryHint,
) -> Result<(), IngestError> {
    let now = Timestamp::now();
    let retry = match again {
        RetryHint::InVain => Retry::SetAside,
        RetryHint::Online => Retry::Uncounted(schedule::offline_retry(now)),
        RetryHint::Later(wish) => {
            schedule::read_retry(now, read.attempts + 1, wish, read.id.0).map_or(Retry::SetAside, Retry::At)
        }
    };
    info!(read = %read.id, url = %read.url, reason, ?retry, "{} failed: {reason}", read.url);
    cx.store.fail(read, reason, now, retry).await?;
    cx.meter.failed();
    Ok(())
}
