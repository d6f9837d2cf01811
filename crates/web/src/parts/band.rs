//! The band at the top of pages during a sync, or if the network is away.
//!
//! Server and script use the same texts from here.

use backissue_model::{Phase, Progress};
use jiff::SignedDuration;
use maud::{Markup, html};
use serde::Serialize;

use crate::words;

/// The contents of the band. A page's ETag depends on them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Words {
    pub(crate) state: BandState,
    pub(crate) headline: String,
    pub(crate) detail: String,
    /// The finished share of the work, 0 to 1. `None` if it is unknown.
    pub(crate) done: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BandState {
    Working,
    Offline,
}

/// The band for `progress`. Returns `None` if nothing is in progress.
pub(crate) fn words(progress: &Progress) -> Option<Words> {
    if progress.looks_offline() {
        let headline = match progress.sources_polled {
            1 => "The source could not be reached: the network seems to be away.".to_owned(),
            n => format!(
                "None of {} could be reached: the network seems to be away.",
                words::count(n, "source")
            ),
        };
        let detail = "What is in the archive can be read all the same.".to_owned();
        return Some(Words { state: BandState::Offline, headline, detail, done: None });
    }
    match progress.phase {
        Phase::Idle => None,
        Phase::Starting if progress.began.is_none() => None,
        Phase::Stopping => Some(Words {
            state: BandState::Working,
            headline: "Stopping: finishing what is under way.".to_owned(),
            detail: String::new(),
            done: None,
        }),
        Phase::Starting | Phase::Working => Some(working(progress)),
    }
}

fn working(progress: &Progress) -> Words {
    let of = |done: u64, due: u64| format!("{} of {}", words::number(done.min(due)), words::number(due));
    let mut headline = Vec::new();
    if progress.sources_due > 0 {
        headline.push(format!("{} sources asked", of(progress.sources_polled, progress.sources_due)));
    }
    if progress.reads_due > 0 {
        headline.push(format!("{} reads ready", of(progress.reads_done, progress.reads_due)));
    }
    let headline = if headline.is_empty() {
        "Fetching…".to_owned()
    } else {
        format!("Fetching: {}", headline.join(", "))
    };
    let mut detail = Vec::new();
    if progress.rate >= 0.05 {
        detail.push(if progress.rate >= 9.5 {
            format!("{:.0} reads a second", progress.rate)
        } else {
            format!("{:.1} reads a second", progress.rate)
        });
    }
    if let Some(seconds) = progress.seconds_left.filter(|s| *s > 0) {
        let left = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        detail.push(format!("about {} left", words::length(left)));
    }
    let (done, due) =
        (progress.sources_polled + progress.reads_done, progress.sources_due + progress.reads_due);
    // Counts are small enough to be exact in a double.
    let share = (due > 0).then(|| ((done.min(due) as f64 / due as f64) * 1000.0).round() / 1000.0);
    Words { state: BandState::Working, headline, detail: detail.join(", "), done: share }
}

/// The band, hidden if it has no text, so that the script can show it. `here` is the page's
/// address.
pub(crate) fn band(progress: &Progress, version: Option<u64>, here: &str) -> Markup {
    let said = words(progress);
    let offline = said.as_ref().is_some_and(|words| words.state == BandState::Offline);
    let text = |part: fn(&Words) -> &str| said.as_ref().map_or("", part);
    html! {
        div #band .band .offline[offline] role="region" aria-label="Sync" hidden[said.is_none()]
            data-done=(progress.reads_done) data-began=[progress.began] data-version=[version] {
            div.page {
                strong data-part="headline" { (text(|w| &w.headline)) }
                progress data-part="bar" aria-label="Done so far" max="1" value=(said.as_ref().and_then(|w| w.done).unwrap_or(0.0))
                    hidden[said.as_ref().is_none_or(|w| w.done.is_none())] {}
                span.detail data-part="detail" { (text(|w| &w.detail)) }
                span.fresh data-part="fresh" role="status" { a href=(here) { "Reload" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_model::SourceTrouble;

    #[test]
    fn running_sync_is_described_in_one_line() {
        let progress = Progress {
            phase: Phase::Working,
            began: Some("2026-05-17T12:00:00Z".parse().unwrap()),
            sources_due: 112,
            sources_polled: 14,
            reads_due: 1010,
            reads_done: 230,
            rate: 11.2,
            seconds_left: Some(130),
            ..Progress::default()
        };
        let words = words(&progress).unwrap();
        assert_eq!(words.headline, "Fetching: 14 of 112 sources asked, 230 of 1,010 reads ready");
        assert_eq!(words.detail, "11 reads a second, about 2 minutes left");
        assert_eq!(words.done, Some(0.217));
    }

    #[test]
    fn band_is_hidden_while_idle() {
        assert_eq!(words(&Progress::default()), None);
        assert_eq!(words(&Progress { phase: Phase::Idle, reads_done: 7, ..Progress::default() }), None);
    }

    #[test]
    fn missing_network_is_named_in_any_phase() {
        let trouble = SourceTrouble { source: "A".into(), reason: "no route".into(), offline: true };
        let progress = Progress {
            phase: Phase::Idle,
            sources_polled: 1,
            sources_troubled: 1,
            troubles: vec![trouble],
            ..Progress::default()
        };
        assert_eq!(words(&progress).unwrap().state, BandState::Offline);
    }
}
