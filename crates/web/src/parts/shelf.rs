//! Weeks drawn as bars on a shelf: busy and quiet ones show at a glance, and every bar is a link.

use std::collections::HashMap;

use backissue_model::Week;
use backissue_store::WeekCount;
use maud::{Markup, html};

use crate::words;

/// Weeks in the strip above a week's page; narrow screens show the newer half.
const STRIP: usize = 26;

/// How many weeks after the current one the strip shows where there are some: so it stands in the middle on narrow screens.
const STRIP_AHEAD: usize = 6;

/// Bars no lower than this share of the shelf, so that a week with one read can still be seen.
const LEAST: f64 = 5.0;

/// The strip of weeks around `current`. `weeks` are those with reads, newest first.
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

/// The weeks with reads next to `current`: the older one, the newer one. `weeks` are newest first.
pub(crate) fn neighbours(weeks: &[WeekCount], current: Week) -> (Option<Week>, Option<Week>) {
    let older = weeks.iter().map(|count| count.week).find(|week| *week < current);
    let newer = weeks.iter().rev().map(|count| count.week).find(|week| *week > current);
    (older, newer)
}

/// One year's weeks. `tallest` is the height of the shelf in reads.
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
                li class=[quarter(week)] { (cell(week, counts.get(&week).copied(), tallest, None)) }
            }
        }
    }
}

/// The height of the shelf: what nineteen in twenty weeks stay under, so that one flood does not flatten all the others.
pub(crate) fn height(weeks: &[WeekCount]) -> u64 {
    let mut reads: Vec<u64> = weeks.iter().map(|count| count.reads).collect();
    reads.sort_unstable();
    reads.get(reads.len().saturating_sub(1) * 19 / 20).copied().unwrap_or(1).max(1)
}

/// Weeks that begin a row where a year is too wide for one.
fn quarter(week: Week) -> Option<&'static str> {
    match week.number() {
        14 => Some("week-14"),
        27 => Some("week-27"),
        40 => Some("week-40"),
        _ => None,
    }
}

fn by_week(weeks: &[WeekCount]) -> HashMap<Week, WeekCount> {
    weeks.iter().map(|count| (count.week, *count)).collect()
}

fn cell(week: Week, count: Option<WeekCount>, tallest: u64, current: Option<Week>) -> Markup {
    let Some(count) = count.filter(|count| count.reads > 0) else {
        return html! { span.bare aria-hidden="true" {} };
    };
    let name = format!(
        "Week {}, {}: {}, {} with a problem",
        week.number(),
        words::span(week),
        words::count(count.reads, "read"),
        words::number(count.problems)
    );
    html! {
        a href={ "/week/" (week) } title=(name) aria-label=(name) aria-current=[(current == Some(week)).then_some("page")] {
            (bar(count, tallest))
        }
    }
}

fn bar(count: WeekCount, tallest: u64) -> Markup {
    // Counts of a week stay far below what a double holds exactly.
    let share = |reads: u64| (reads as f64 / tallest.max(1) as f64 * 100.0).min(100.0);
    let whole = share(count.reads).max(LEAST);
    let problems =
        if count.problems == 0 { 0.0 } else { whole * (count.problems as f64 / count.reads as f64) };
    let rect = |class: &str, height: f64| {
        html! { rect class=(class) width="10" height=(format!("{height:.1}")) y=(format!("{:.1}", 100.0 - height)) {} }
    };
    html! {
        svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true" {
            (rect("all", whole))
            @if problems > 0.0 { (rect("problems", problems)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(text: &str, reads: u64, problems: u64) -> WeekCount {
        WeekCount { week: text.parse().unwrap(), reads, problems }
    }

    #[test]
    fn a_flood_does_not_flatten_the_other_weeks() {
        let mut weeks: Vec<_> = (1..=40).map(|n| week(&format!("2025-W{n:02}"), 10, 5)).collect();
        weeks.push(week("2025-W41", 900, 1));
        assert_eq!(height(&weeks), 10);
        assert_eq!(height(&[]), 1);
        assert_eq!(height(&[week("2025-W41", 3, 0)]), 3);
    }

    #[test]
    fn the_strip_reaches_back_half_a_year_and_marks_the_current_week() {
        let weeks = [week("2026-W20", 8, 4), week("2026-W10", 2, 2), week("2020-W10", 2, 2)];
        let html = strip(&weeks, "2026-W20".parse().unwrap()).into_string();
        assert_eq!(html.matches("<li>").count(), STRIP);
        assert_eq!(html.matches("<svg").count(), 2, "{html}");
        assert!(
            html.contains(
                r#"href="/week/2026-W20" title="Week 20, 11–17 May 2026: 8 reads, 4 with a problem""#
            ),
            "{html}"
        );
        assert_eq!(html.matches(r#"aria-current="page""#).count(), 1);
    }

    #[test]
    fn a_year_has_as_many_cells_as_weeks_up_to_its_newest() {
        let html = year(&[week("2026-W03", 8, 4), week("2026-W01", 1, 0)], 8).into_string();
        assert_eq!(html.matches("<li>").count(), 3);
        assert!(year(&[], 1).into_string().is_empty());
    }
}
