//! The progress of a sync, for the terminal and for pages.

use jiff::Timestamp;
use serde::Serialize;

/// What the workers are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Work has not begun.
    #[default]
    Starting,
    /// Sources are being polled or reads processed.
    Working,
    /// No source and no read is due.
    Idle,
    /// The workers finish the claimed work and then stop.
    Stopping,
}

/// A snapshot of a sync. All counts start with the sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// The present activity of the workers.
    pub phase: Phase,
    /// When this round of work began.
    pub began: Option<Timestamp>,
    /// Sources that were due in this round.
    pub sources_due: u64,
    /// Sources polled, with or without success.
    pub sources_polled: u64,
    /// Sources that answered 304 Not Modified.
    pub sources_unchanged: u64,
    /// Sources that could not be polled.
    pub sources_troubled: u64,
    /// The sources that could not be polled, each once with its error; at most the newest 500.
    pub troubles: Vec<SourceTrouble>,
    /// Reads that were waiting at the start or were added since.
    pub reads_due: u64,
    /// Reads new to the archive.
    pub reads_new: u64,
    /// Reads whose article is stored.
    pub reads_extracted: u64,
    /// Reads that have a précis and are shown.
    pub reads_done: u64,
    /// Failed attempts at processing a read.
    pub reads_failed: u64,
    /// Reads per second over the last 30 seconds.
    pub rate: f64,
    /// Estimated seconds left. `None` while there is no estimate.
    pub seconds_left: Option<u64>,
}

/// A source that could not be polled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceTrouble {
    /// The source's title.
    pub source: String,
    /// The error, in plain words.
    pub reason: String,
    /// Whether the network itself seems to be unreachable, and not only this source.
    pub offline: bool,
}

impl Progress {
    /// Whether all polls so far failed because the network is unreachable.
    pub fn looks_offline(&self) -> bool {
        self.nobody_answered() && self.troubles.iter().all(|t| t.offline)
    }

    /// Whether sources were polled and none of them answered.
    pub fn nobody_answered(&self) -> bool {
        self.sources_polled > 0 && self.sources_troubled == self.sources_polled
    }
}
