//! Records the failure of a step of a read.

use backissue_store::{ClaimedRead, Retry};
use jiff::Timestamp;
use tracing::info;

use crate::context::Context;
use crate::error::IngestError;
use crate::schedule;

/// Whether a retry may succeed.
pub(crate) enum RetryHint {
    /// The error is temporary. Holds the pause that the server demands, if any.
    Later(Option<std::time::Duration>),
    /// This machine is offline. The attempt is not counted.
    Online,
    /// A retry would fail, too.
    InVain,
}

/// Stores the error, and when the step is retried.
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
