//! Being told to stop: once for a good end, twice for an end at once.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Listens for Ctrl-C and SIGTERM until it is dropped.
pub struct Signals {
    hurry: CancellationToken,
    listener: JoinHandle<()>,
}

impl Signals {
    /// Cancels `stop` when the process is first told to stop.
    pub fn listen(stop: CancellationToken) -> Self {
        let hurry = CancellationToken::new();
        let hurried = hurry.clone();
        let listener = tokio::spawn(async move {
            told_to_stop().await;
            anstream::eprintln!("\nStopping: finishing what is held. Press Ctrl-C again to end at once.");
            stop.cancel();
            told_to_stop().await;
            hurried.cancel();
        });
        Self { hurry, listener }
    }

    /// Does the work, unless the process is told a second time to stop; then what was in hand is left for the next start.
    pub async fn unless_hurried<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            done = work => done,
            () = self.hurry.cancelled() => anyhow::bail!("ended at once; the next start takes up what was in hand"),
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
    // Where no handler can be set the process ends as the system has it.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
