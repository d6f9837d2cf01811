//! Shares the turns of hosts among several processes through the database, so that a publisher sees
//! one polite client.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::time::Duration;

use backissue_fetch::{NoTurn, SharedTurns};
use backissue_store::{HostTurn, Store};
use tokio::runtime::Handle;
use tracing::warn;

/// How long to wait before asking again for the turn of a host that another process uses.
const AGAIN: Duration = Duration::from_millis(100);

/// The turns in an archive's database.
#[derive(Debug)]
pub struct TurnsInStore {
    store: Store,
}

impl TurnsInStore {
    /// The turns of this archive.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    async fn wait(&self, host: &str, pause: Duration, lease: Duration) -> Result<i64, NoTurn> {
        // The keys of this hash are random.
        let turn = RandomState::new().hash_one(host).cast_signed();
        loop {
            let asked = self.store.take_turn(host, turn, pause, lease).await;
            let again = match asked.map_err(|error| NoTurn::Failed(error.to_string()))? {
                HostTurn::Taken => return Ok(turn),
                HostTurn::Held(wait) => return Err(NoTurn::Held(wait)),
                HostTurn::InUse(rest) => rest.min(AGAIN),
                HostTurn::Pause(rest) => rest,
            };
            // Not all who wait ask at the same moment.
            let spread = Duration::from_millis(RandomState::new().hash_one(turn) % 10);
            tokio::time::sleep(again + spread).await;
        }
    }
}

impl SharedTurns for TurnsInStore {
    fn take<'t>(
        &'t self,
        host: &'t str,
        pause: Duration,
        lease: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<i64, NoTurn>> + Send + 't>> {
        Box::pin(self.wait(host, pause, lease))
    }

    fn end(&self, host: &str, turn: i64, pause: Duration, hold: Duration) {
        let (store, host) = (self.store.clone(), host.to_owned());
        let end = async move {
            if let Err(error) = store.end_turn(&host, turn, pause, hold).await {
                warn!(%error, host, "the turn at {host} ends with its lease: {error}");
            }
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(end);
        }
    }
}
