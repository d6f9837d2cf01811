//! Notifies systemd when the process is ready, that it is alive, and when it stops. Does nothing
//! without systemd.

#[cfg(unix)]
use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// Reports that the process is ready. If systemd has a watchdog, returns a task that reports
/// regularly that the runtime still runs tasks.
pub fn ready(what: &str) -> Option<JoinHandle<()>> {
    #[cfg(unix)]
    {
        send(&[NotifyState::Ready, NotifyState::Status(what)]);
        let within = sd_notify::watchdog_enabled()?;
        Some(tokio::spawn(async move {
            let mut beat = tokio::time::interval(within / 3);
            loop {
                beat.tick().await;
                send(&[NotifyState::Watchdog]);
            }
        }))
    }
    #[cfg(not(unix))]
    {
        let _ = what;
        None
    }
}

/// Reports that the process is stopping.
pub fn stopping() {
    #[cfg(unix)]
    send(&[NotifyState::Stopping]);
}

#[cfg(unix)]
fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be notified: {error}");
    }
}
