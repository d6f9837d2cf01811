//! Maintains the progress snapshot of a sync, for the terminal and pages.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use backissue_model::{Phase, Progress, SourceTrouble};
use jiff::Timestamp;
use tokio::sync::watch;

/// The period over which the rate is measured.
const WINDOW: Duration = Duration::from_secs(30);
/// Maximum sources with errors in a snapshot.
const TROUBLES: usize = 500;

/// Counts events and publishes snapshots.
#[derive(Debug)]
pub struct Meter {
    out: watch::Sender<Progress>,
    done: Mutex<VecDeque<Instant>>,
}

impl Meter {
    /// A meter with all counts at zero.
    pub fn new() -> Self {
        Self { out: watch::Sender::new(Progress::default()), done: Mutex::default() }
    }

    /// A receiver of snapshots.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.out.subscribe()
    }

    /// The current snapshot.
    pub fn snapshot(&self) -> Progress {
        self.out.borrow().clone()
    }

    /// Starts a round with counts at zero.
    pub fn begin(&self, now: Timestamp, sources_due: u64, reads_due: u64) {
        self.out.send_replace(Progress {
            phase: Phase::Working,
            began: Some(now),
            sources_due,
            reads_due,
            ..Progress::default()
        });
    }

    /// Sets what the workers are doing.
    pub fn phase(&self, phase: Phase) {
        self.out.send_if_modified(|p| std::mem::replace(&mut p.phase, phase) != phase);
    }

    /// Whether nothing is being done.
    pub fn is_idle(&self) -> bool {
        self.out.borrow().phase == Phase::Idle
    }

    /// Counts a source that answered with a feed, and its new reads.
    pub fn polled(&self, source: &str, new: u64) {
        count("backissue_polls_total", "answered");
        self.change(|p| {
            well_again(p, source);
            p.sources_polled += 1;
            p.reads_new += new;
            p.reads_due += new;
        });
    }

    /// Counts new reads that a backfill found.
    pub fn found(&self, new: u64) {
        self.change(|p| {
            p.reads_new += new;
            p.reads_due += new;
        });
    }

    /// Counts a source whose feed has not changed.
    pub fn unchanged(&self, source: &str) {
        count("backissue_polls_total", "unchanged");
        self.change(|p| {
            well_again(p, source);
            p.sources_polled += 1;
            p.sources_unchanged += 1;
        });
    }

    /// Counts a source that could not be polled, and stores the error.
    pub fn trouble(&self, trouble: SourceTrouble) {
        count("backissue_polls_total", "failed");
        self.change(|p| {
            well_again(p, &trouble.source);
            p.sources_polled += 1;
            p.sources_troubled += 1;
            if p.troubles.len() == TROUBLES {
                p.troubles.remove(0);
            }
            p.troubles.push(trouble);
        });
    }

    /// Counts a read whose article is stored.
    pub fn extracted(&self) {
        count("backissue_reads_total", "extracted");
        self.change(|p| p.reads_extracted += 1);
    }

    /// Counts a read that was merged into another one.
    pub fn merged(&self) {
        count("backissue_reads_total", "merged");
        self.change(|p| p.reads_due = p.reads_due.saturating_sub(1));
    }

    /// Counts a read that has its précis and is shown.
    pub fn done(&self) {
        count("backissue_reads_total", "annotated");
        let rate = self.rate_with(Instant::now());
        self.change(|p| {
            p.reads_done += 1;
            p.rate = rate;
        });
    }

    /// Counts a read that failed and is not retried in this round.
    pub fn failed(&self) {
        count("backissue_reads_total", "failed");
        self.change(|p| p.reads_failed += 1);
    }

    fn rate_with(&self, at: Instant) -> f64 {
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        done.push_back(at);
        while done.front().is_some_and(|first| at.duration_since(*first) > WINDOW) {
            done.pop_front();
        }
        let span = done.front().map_or(0.0, |first| at.duration_since(*first).as_secs_f64());
        if span < 0.5 { 0.0 } else { (done.len() - 1) as f64 / span }
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        self.out.send_modify(|p| {
            change(p);
            p.sources_due = p.sources_due.max(p.sources_polled);
            p.reads_due = p.reads_due.max(p.reads_done + p.reads_failed);
            let left = p.reads_due - p.reads_done - p.reads_failed;
            p.seconds_left = (p.rate > 0.0 && p.sources_polled == p.sources_due)
                .then(|| (left as f64 / p.rate).ceil() as u64);
        });
    }
}

/// Adds one to a metric, which has a series per result.
fn count(figure: &'static str, result: &'static str) {
    metrics::counter!(figure, "result" => result).increment(1);
}

/// Removes an earlier error of this source.
fn well_again(progress: &mut Progress, source: &str) {
    progress.troubles.retain(|t| t.source != source);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_known_after_all_sources_answered() {
        let meter = Meter::new();
        meter.begin(Timestamp::UNIX_EPOCH, 2, 0);
        meter.polled("A", 30);
        let start = Instant::now();
        meter.rate_with(start);
        let rate = (1..=10).map(|n| meter.rate_with(start + Duration::from_secs(n))).last().unwrap();
        assert!((rate - 1.0).abs() < 1e-9, "{rate}");
        meter.change(|p| p.rate = rate);
        assert_eq!(meter.snapshot().seconds_left, None);
        meter.unchanged("B");
        assert_eq!(meter.snapshot().seconds_left, Some(30));
    }

    #[test]
    fn offline_means_that_no_source_answered() {
        let meter = Meter::new();
        let trouble = || SourceTrouble { source: "A".into(), reason: "no route".into(), offline: true };
        meter.begin(Timestamp::UNIX_EPOCH, 2, 0);
        meter.trouble(trouble());
        assert!(meter.snapshot().looks_offline());
        meter.unchanged("B");
        assert!(!meter.snapshot().looks_offline());
    }

    #[test]
    fn recovered_source_is_no_trouble() {
        let meter = Meter::new();
        let trouble = || SourceTrouble { source: "A".into(), reason: "no route".into(), offline: true };
        meter.begin(Timestamp::UNIX_EPOCH, 3, 0);
        meter.trouble(trouble());
        meter.trouble(trouble());
        assert_eq!(meter.snapshot().troubles.len(), 1, "each source is named once");
        meter.polled("A", 1);
        assert_eq!(meter.snapshot().troubles, []);
    }
}
