//! What systemd is told: when the process is ready, that it lives, and when it stops. Without
//! systemd nothing happens.

#[cfg(unix)]
use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// The process is ready. Returns a task that tells the watchdog, if there is one, that the runtime
/// still runs tasks.
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

/// The process stops.
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
