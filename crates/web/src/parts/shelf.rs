//! Weeks as bars: busy and quiet ones are visible, and each bar is a link.

use std::collections::HashMap;

use backissue_model::Week;
use backissue_store::{Store, StoreError, WeekCount};
use maud::{Markup, html};

use crate::words;

/// Number of weeks in the strip above a week's page. Narrow screens show the newer half.
pub const STRIP: usize = 26;

/// Number of weeks in the strip after the current one, so that it is in the middle on narrow
/// screens.
pub const STRIP_AHEAD: usize = 6;

/// Number of possible heights of a bar; the stylesheet has a class for each.
const STEPS: u64 = 20;

/// The weeks with reads that a page about `current` needs, newest first: those of the strip, and
/// the next ones on both sides.
pub(crate) async fn around(store: &Store, current: Week) -> Result<Vec<WeekCount>, StoreError> {
    store.weeks_around(current, STRIP as u32 + 1, STRIP_AHEAD as u32).await
}

/// The strip of weeks around `current`. `weeks` are those of [`around`].
pub(crate) fn strip(weeks: &[WeekCount], current: Week) -> Markup {
    let Some(newest) = weeks.first().map(|count| count.week) else { return html! {} };
    let last = (0..STRIP_AHEAD).fold(current, |week, _| if week < newest { week.next() } else { week });
    let mut shown = Vec::with_capacity(STRIP);
    let mut week = last;
    while shown.len() < STRIP {
        shown.push(week);
        week = week.previous();
    }
    shown.reverse();
    let counts = by_week(weeks);
    let tallest =
        shown.iter().filter_map(|week| counts.get(week)).map(|count| count.reads).max().unwrap_or(1);
    html! {
        nav.strip aria-label="Weeks around this one" {
            ol.shelf {
                @for week in &shown { li { (cell(*week, counts.get(week).copied(), tallest, Some(current))) } }
            }
            (turn(weeks, current))
        }
    }
}

/// Links to the weeks with reads before and after `current`.
pub(crate) fn turn(weeks: &[WeekCount], current: Week) -> Markup {
    let (older, newer) = neighbours(weeks, current);
    html! {
        div.turn {
            @if let Some(older) = older {
                a rel="prev" href={ "/week/" (older) } { "← Week " (older.number()) span.quiet.wide { ", " (words::span(older)) } }
            }
            @if let Some(newer) = newer {
                a rel="next" href={ "/week/" (newer) } { "Week " (newer.number()) span.quiet.wide { ", " (words::span(newer)) } " →" }
            }
        }
    }
}

/// The nearest weeks with reads: the older one, the newer one. `weeks` are newest first.
pub(crate) fn neighbours(weeks: &[WeekCount], current: Week) -> (Option<Week>, Option<Week>) {
    let older = weeks.iter().map(|count| count.week).find(|week| *week < current);
    let newer = weeks.iter().rev().map(|count| count.week).find(|week| *week > current);
    (older, newer)
}

/// One year's weeks. `tallest` is the number of reads of a full bar.
pub(crate) fn year(weeks: &[WeekCount], tallest: u64) -> Markup {
    let counts = by_week(weeks);
    let (Some(newest), Some(year)) =
        (weeks.iter().map(|count| count.week).max(), weeks.first().map(|c| c.week.year()))
    else {
        return html! {};
    };
    let all = (1..=53).filter_map(|number| Week::new(year, number).ok()).take_while(|week| *week <= newest);
    html! {
        ol.shelf {
            @for week in all {
                li { (cell(week, counts.get(&week).copied(), tallest, None)) }
            }
        }
    }
}

/// The number of reads of a full bar: 19 of 20 weeks have at most this many, so that one
/// exceptional week does not flatten all others.
pub(crate) fn height(weeks: &[WeekCount]) -> u64 {
    let mut reads: Vec<u64> = weeks.iter().map(|count| count.reads).collect();
    reads.sort_unstable();
    reads.get(reads.len().saturating_sub(1) * 19 / 20).copied().unwrap_or(1).max(1)
}

fn by_week(weeks: &[WeekCount]) -> HashMap<Week, WeekCount> {
    weeks.iter().map(|count| (count.week, *count)).collect()
}

/// A week's bar. Its height and the part with a problem are classes of the stylesheet, which keeps
/// a page with hundreds of bars small.
fn cell(week: Week, count: Option<WeekCount>, tallest: u64, current: Option<Week>) -> Markup {
    let Some(count) = count.filter(|count| count.reads > 0) else { return html! {} };
    let name = format!(
        "Week {}, {}: {}, {} with a problem",
        week.number(),
        words::span(week),
        words::count(count.reads, "read"),
        words::number(count.problems)
    );
    let (whole, problems) = steps(count, tallest);
    html! {
        a class={ "h" (whole) " p" (problems) } href={ "/week/" (week) } title=(name)
            aria-current=[(current == Some(week)).then_some("page")] {}
    }
}

/// The height of a week's bar in twentieths, and how many of these have a problem: at least one
/// each if there are any.
fn steps(count: WeekCount, tallest: u64) -> (u64, u64) {
    let whole = (count.reads.min(tallest) * STEPS).div_ceil(tallest.max(1)).clamp(1, STEPS);
    (whole, (count.problems * whole).div_ceil(count.reads.max(1)).min(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(text: &str, reads: u64, problems: u64) -> WeekCount {
        WeekCount { week: text.parse().unwrap(), reads, problems }
    }

    #[test]
    fn exceptional_week_does_not_flatten_others() {
        let mut weeks: Vec<_> = (1..=40).map(|n| week(&format!("2025-W{n:02}"), 10, 5)).collect();
        weeks.push(week("2025-W41", 900, 1));
        assert_eq!(height(&weeks), 10);
        assert_eq!(height(&[]), 1);
        assert_eq!(height(&[week("2025-W41", 3, 0)]), 3);
    }

    #[test]
    fn strip_has_half_a_year_and_marks_the_current_week() {
        let weeks = [week("2026-W20", 8, 4), week("2026-W10", 2, 2), week("2020-W10", 2, 2)];
        let html = strip(&weeks, "2026-W20".parse().unwrap()).into_string();
        assert_eq!(html.matches("<li>").count(), STRIP);
        assert_eq!(html.matches("<a class").count(), 2, "{html}");
        assert!(
            html.contains(
                r#"<a class="h20 p10" href="/week/2026-W20" title="Week 20, 11–17 May 2026: 8 reads, 4 with a problem""#
            ),
            "{html}"
        );
        assert_eq!(html.matches(r#"aria-current="page""#).count(), 1);
    }

    #[test]
    fn year_has_a_cell_per_week_up_to_its_newest() {
        let html = year(&[week("2026-W03", 8, 4), week("2026-W01", 1, 0)], 8).into_string();
        assert_eq!(html.matches("<li>").count(), 3);
        assert!(year(&[], 1).into_string().is_empty());
    }

    #[test]
    fn years_of_bars_are_small() {
        let weeks: Vec<_> = (1..=52).rev().map(|n| week(&format!("2025-W{n:02}"), n, n / 2)).collect();
        let html = year(&weeks, 50).into_string();
        assert!(html.len() < 52 * 150, "{} bytes a year", html.len());
    }

    #[test]
    fn stylesheet_has_a_class_for_every_height() {
        for (reads, problems, expected) in [
            (1, 0, (1, 0)),
            (1, 1, (1, 1)),
            (50, 1, (20, 1)),
            (900, 450, (20, 10)),
            (25, 25, (10, 10)),
            (3, 2, (2, 2)),
        ] {
            assert_eq!(steps(week("2025-W01", reads, problems), 50), expected, "{reads} {problems}");
        }
        for step in 1..=STEPS {
            assert!(
                crate::assets::STYLESHEET.contains(&format!(".h{step} {{")),
                "no class for height {step}"
            );
            assert!(crate::assets::STYLESHEET.contains(&format!(".p{step} {{")), "no class for part {step}");
        }
    }
}
