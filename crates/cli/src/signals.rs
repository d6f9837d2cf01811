//! Handles signals to stop: the first one ends the program in order, the second one immediately.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::output::tell;
use crate::supervisor;

/// Listens for Ctrl-C and SIGTERM until it is dropped.
pub struct Signals {
    hurry: CancellationToken,
    listener: JoinHandle<()>,
}

impl Signals {
    /// Cancels `stop` at the first signal.
    pub fn listen(stop: CancellationToken) -> Self {
        let hurry = CancellationToken::new();
        let hurried = hurry.clone();
        let listener = tokio::spawn(async move {
            told_to_stop().await;
            tell!("\nStopping: finishing the current work. Press Ctrl-C again to end at once.");
            supervisor::stopping();
            stop.cancel();
            told_to_stop().await;
            hurried.cancel();
        });
        Self { hurry, listener }
    }

    /// Does the work unless a second signal comes. In that case the work is left for the next
    /// start.
    pub async fn unless_hurried<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            done = work => done,
            () = self.hurry.cancelled() => anyhow::bail!("ended at once; the next start continues the interrupted work"),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // If no handler can be set, the system's default ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
