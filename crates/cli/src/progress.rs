//! The progress of a sync: two bars in a terminal, otherwise a line from time to time.

use std::time::{Duration, Instant};

use backissue_model::{Phase, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::output::tell;

/// Progress bars, until dropped.
pub struct Bars {
    all: MultiProgress,
    follower: tokio::task::JoinHandle<()>,
}

impl Bars {
    /// Draws bars on standard error while there is work. Without a terminal, prints a line from
    /// time to time.
    pub fn follow(mut progress: watch::Receiver<Progress>) -> Self {
        let all = MultiProgress::new();
        if all.is_hidden() {
            let follower = tokio::spawn(report(progress, |line| tell!("{line}")));
            return Self { all, follower };
        }
        let sources = bar(&all, "{prefix:>8} {bar:30} {pos}/{len} {msg}", "Sources");
        let reads = bar(&all, "{prefix:>8} {bar:30} {pos}/{len} {msg}", "Reads");
        let follower = tokio::spawn(async move {
            loop {
                let now = progress.borrow_and_update().clone();
                draw(&now, &sources, &reads);
                // A few updates per second are enough.
                tokio::time::sleep(Duration::from_millis(120)).await;
                if progress.changed().await.is_err() {
                    break;
                }
            }
        });
        Self { all, follower }
    }

    /// Prints a line above the bars.
    pub fn say(&self, line: impl AsRef<str>) {
        if self.all.is_hidden() {
            tell!("{}", line.as_ref());
        } else {
            // A closed terminal shows nothing anyway.
            let _ = self.all.println(line);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.follower.abort();
        // A closed terminal shows nothing anyway.
        let _ = self.all.clear();
    }
}

/// The time before the first line and between two lines, without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Reports the progress every [`LINE_EVERY`], if there is any.
async fn report(progress: watch::Receiver<Progress>, mut tell: impl FnMut(String)) {
    let mut told = None;
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        if progress.has_changed().is_err() {
            return;
        }
        let now = progress.borrow().clone();
        let counts = (now.sources_polled, now.reads_done, now.reads_failed);
        if now.phase == Phase::Working && told != Some(counts) {
            told = Some(counts);
            tell(line(&now));
        }
    }
}

/// The progress in one line.
fn line(now: &Progress) -> String {
    let mut line = format!(
        "sources {} of {}, reads {} of {}",
        now.sources_polled, now.sources_due, now.reads_done, now.reads_due
    );
    for more in [words(now), troubled(now)] {
        if !more.is_empty() {
            line.push_str(", ");
            line.push_str(&more);
        }
    }
    line
}

fn troubled(now: &Progress) -> String {
    match now.sources_troubled {
        0 => String::new(),
        troubles => format!("{troubles} out of reach"),
    }
}

fn bar(all: &MultiProgress, template: &str, prefix: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    all.add(ProgressBar::new(0).with_style(style.progress_chars("━╸─")).with_prefix(prefix))
}

fn draw(now: &Progress, sources: &ProgressBar, reads: &ProgressBar) {
    sources.set_length(now.sources_due);
    sources.set_position(now.sources_polled);
    sources.set_message(troubled(now));
    reads.set_length(now.reads_due);
    reads.set_position(now.reads_done);
    reads.set_message(words(now));
}

/// A bar for reads that are being added to the search index. It is shown only if this takes a
/// while, and removed when dropped.
pub struct TakingIn {
    begun: Instant,
    bar: Option<ProgressBar>,
}

/// A wait that a person does not notice.
const UNNOTICED: Duration = Duration::from_millis(400);

impl Default for TakingIn {
    fn default() -> Self {
        Self { begun: Instant::now(), bar: None }
    }
}

impl TakingIn {
    /// Updates the bar, on standard error if that is a terminal.
    pub fn tell(&mut self, progress: backissue_search::Progress) {
        if self.begun.elapsed() < UNNOTICED {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style.progress_chars("━╸─")).with_prefix("Indexing")
        });
        bar.set_length(progress.reads.max(progress.done));
        bar.set_position(progress.done);
    }
}

impl Drop for TakingIn {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar, or a line from time to time, for pages of a site and for rows that are copied. It is
/// removed when dropped.
pub struct Making {
    begun: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Default for Making {
    fn default() -> Self {
        Self { begun: Instant::now(), told: Instant::now(), bar: None }
    }
}

impl Making {
    /// Updates the bar for pages, on standard error.
    pub fn tell(&mut self, progress: backissue_publish::Progress) {
        self.tell_of("Pages", progress.done, progress.pages);
    }

    /// Updates the bar for other things, on standard error.
    pub fn tell_of(&mut self, what: &'static str, done: u64, all: u64) {
        if self.begun.elapsed() < UNNOTICED {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix:>9} {bar:30} {pos}/{len} {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style.progress_chars("━╸─"))
        });
        bar.set_prefix(what);
        if bar.is_hidden() && self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            anstream::eprintln!("{} {done} of {all}", what.to_lowercase());
        }
        bar.set_length(all);
        bar.set_position(done);
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Rate and time left, if known.
pub fn words(now: &Progress) -> String {
    let mut parts = Vec::new();
    if now.phase == Phase::Stopping {
        parts.push("finishing the current work…".to_owned());
    } else {
        if now.rate > 0.0 {
            parts.push(format!("{:.1} a second", now.rate));
        }
        if let Some(left) = now.seconds_left.filter(|left| *left > 0) {
            parts.push(format!("{} left", indicatif::HumanDuration(Duration::from_secs(left))));
        }
    }
    if now.reads_failed > 0 {
        parts.push(format!("{} failed", now.reads_failed));
    }
    parts.join(", ")
}

/// The message if no source answered.
pub fn nobody_answered(now: &Progress) -> Option<&'static str> {
    if now.looks_offline() {
        return Some(
            "This machine seems to have no network. `backissue serve --demo` shows the program without one.",
        );
    }
    now.nobody_answered().then_some(
        "No source could be reached; a firewall or proxy may stand between. `backissue serve --demo` shows the program without \
         a network.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_without_a_terminal_is_printed_as_lines() {
        let (sender, receiver) = watch::channel(Progress { phase: Phase::Working, ..Progress::default() });
        let (lines, mut told) = tokio::sync::mpsc::unbounded_channel();
        let reporter = tokio::spawn(report(receiver, move |line| lines.send(line).unwrap()));
        let work = Progress {
            sources_due: 12,
            sources_polled: 3,
            reads_due: 40,
            reads_done: 7,
            ..Progress::default()
        };
        sender.send_replace(Progress {
            phase: Phase::Working,
            sources_troubled: 1,
            rate: 2.5,
            ..work.clone()
        });
        let began = tokio::time::Instant::now();
        assert_eq!(
            told.recv().await.unwrap(),
            "sources 3 of 12, reads 7 of 40, 2.5 a second, 1 out of reach"
        );
        assert_eq!(began.elapsed(), LINE_EVERY);

        tokio::time::sleep(LINE_EVERY * 3).await;
        assert!(told.try_recv().is_err(), "nothing changed, so nothing is printed");
        sender.send_replace(Progress { phase: Phase::Working, reads_done: 8, ..work });
        assert!(told.recv().await.unwrap().starts_with("sources 3 of 12, reads 8 of 40"));
        drop(sender);
        reporter.await.unwrap();
    }
}
