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
    /// Nothing is due.
    Idle,
    /// Stopping: finishing the claimed work.
    Stopping,
}

/// A snapshot of a sync. All counts start with the sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// What the workers are doing.
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
    /// These sources with their errors, each once; at most the newest 500.
    pub troubles: Vec<SourceTrouble>,
    /// Reads that were waiting or were added.
    pub reads_due: u64,
    /// Reads new to the archive.
    pub reads_new: u64,
    /// Reads whose article is stored.
    pub reads_extracted: u64,
    /// Reads that have a précis and are shown.
    pub reads_done: u64,
    /// Attempts at reads that failed.
    pub reads_failed: u64,
    /// Reads per second, over the last 30 seconds.
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

    /// Whether sources were polled and none answered.
    pub fn nobody_answered(&self) -> bool {
        self.sources_polled > 0 && self.sources_troubled == self.sources_polled
    }
}
