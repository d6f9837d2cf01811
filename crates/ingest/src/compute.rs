//! Runs long computations on a document on separate threads, with a time limit.

use std::time::Duration;

use backissue_model::cancel::Cancel;

/// The time limit for one document. The largest page takes a few seconds.
const LONGEST: Duration = Duration::from_secs(60);

/// Why a computation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoResult {
    /// The computation panicked.
    #[error("it stopped the program's reader; please report this")]
    Panicked,
    /// The computation took longer than the limit.
    #[error("the program worked on it for {} seconds without an end; please report this", LONGEST.as_secs())]
    TooLong,
}

/// Runs a computation on a separate thread. If it exceeds the time limit, or the future is dropped,
/// the computation ends at its next checkpoint.
pub(crate) async fn compute<T: Send + 'static>(
    step: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoResult> {
    within(LONGEST, step).await
}

async fn within<T: Send + 'static>(
    limit: Duration,
    step: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoResult> {
    let cancel = Cancel::default();
    let _guard = cancel.on_drop();
    let running = tokio::task::spawn_blocking(move || cancel.run(step));
    match tokio::time::timeout(limit, running).await {
        Ok(Ok(Some(result))) => Ok(result),
        Ok(Err(_)) => Err(NoResult::Panicked),
        Ok(Ok(None)) | Err(_) => Err(NoResult::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use backissue_model::cancel::checkpoint;
    use tokio::sync::oneshot;

    use super::*;

    /// A computation that never ends by itself, and a receiver that notices its end.
    fn endless() -> (impl FnOnce() + Send + 'static, oneshot::Receiver<()>) {
        let (held, ended) = oneshot::channel();
        let step = move || {
            let _held: oneshot::Sender<()> = held;
            loop {
                checkpoint();
                std::hint::spin_loop();
            }
        };
        (step, ended)
    }

    #[tokio::test]
    async fn endless_document_is_given_up_and_cancelled() {
        let (step, ended) = endless();
        assert_eq!(within(Duration::from_millis(20), step).await, Err(NoResult::TooLong));
        assert!(ended.await.is_err(), "the thread goes on");
    }

    #[tokio::test]
    async fn step_that_nobody_waits_for_is_cancelled() {
        let (step, ended) = endless();
        let waiting = tokio::spawn(compute(step));
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(ended.await.is_err(), "the thread goes on");
    }

    #[tokio::test]
    async fn panic_is_told() {
        let panics = || std::panic::resume_unwind(Box::new("oh"));
        assert_eq!(compute::<()>(panics).await, Err(NoResult::Panicked));
        assert_eq!(compute(|| 7).await, Ok(7));
    }
}
