//! How a sync is coming along, for the terminal and the page.

use jiff::Timestamp;
use serde::Serialize;

/// What the workers are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing has begun.
    #[default]
    Starting,
    /// Sources are being polled or reads are under way.
    Working,
    /// Nothing is due.
    Idle,
    /// Told to stop; finishing what is held.
    Stopping,
}

/// A snapshot of a sync. All counts are since it began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Progress {
    /// What the workers are doing.
    pub phase: Phase,
    /// When this round of work began.
    pub began: Option<Timestamp>,
    /// Sources that were due in this round.
    pub sources_due: u64,
    /// Sources polled, well or not.
    pub sources_polled: u64,
    /// Sources that answered 304 Not Modified.
    pub sources_unchanged: u64,
    /// Sources that could not be polled.
    pub sources_troubled: u64,
    /// Those sources with the reason, each once; at most the newest 500.
    pub troubles: Vec<SourceTrouble>,
    /// Reads that were waiting or came in.
    pub reads_due: u64,
    /// Reads new to the archive.
    pub reads_new: u64,
    /// Reads whose article is stored.
    pub reads_extracted: u64,
    /// Reads that have their précis and are shown.
    pub reads_done: u64,
    /// Attempts at reads that failed.
    pub reads_failed: u64,
    /// Reads a second, over the last half minute.
    pub rate: f64,
    /// Seconds left at that rate; none while nothing can be said.
    pub seconds_left: Option<u64>,
}

/// A source that could not be polled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceTrouble {
    /// The source's title.
    pub source: String,
    /// What went wrong, in plain words.
    pub reason: String,
    /// Whether the network itself, rather than this source, seems to be out of reach.
    pub offline: bool,
}

impl Progress {
    /// Whether every source polled so far failed because the network is out of reach.
    pub fn looks_offline(&self) -> bool {
        self.nobody_answered() && self.troubles.iter().all(|t| t.offline)
    }

    /// Whether sources were asked and none of them answered.
    pub fn nobody_answered(&self) -> bool {
        self.sources_polled > 0 && self.sources_troubled == self.sources_polled
    }
}
