//! One week's reads: `/` shows the newest, `/week/2026-W20` that one.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use backissue_model::Week;
use backissue_store::{Facets, Order, Page as Stretch, ReadCard, ReadFilter, Store, WeekCount};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::frame::{Document, Frame, Section};
use crate::narrowing::Narrowing;
use crate::pages::empty;
use crate::parts::facets::{Without, chips, facets, way_to_facets};
use crate::parts::{reads, shelf};
use crate::words;

/// A week's page lists more than others: a week is one thing, and few have so many reads.
const WEEK: u32 = 100;

/// `/`
pub(crate) async fn newest(
    frame: Frame,
    narrowing: Narrowing,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    match store.newest_week().await? {
        Some(week) => {
            show(&store, &frame, narrowing, week, "/".to_owned()).await.map(IntoResponse::into_response)
        }
        None => {
            let sources = store.sources(&backissue_store::SourceFilter::default()).await?;
            Ok(frame.page(empty::document(&frame.progress, &sources)).into_response())
        }
    }
}

/// `/week/{week}`
pub(crate) async fn week(
    frame: Frame,
    narrowing: Narrowing,
    Path(week): Path<String>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let week: Week =
        week.parse().map_err(|e: backissue_model::WeekError| Fault::BadAddress(e.to_string()))?;
    show(&store, &frame, narrowing, week, format!("/week/{week}")).await.map(IntoResponse::into_response)
}

async fn show(
    store: &Store,
    frame: &Frame,
    narrowing: Narrowing,
    week: Week,
    path: String,
) -> Result<crate::frame::Page, Fault> {
    let source = narrowing.looked_up_source(store).await?;
    let filter = ReadFilter { week: Some(week), ..narrowing.filter(source.as_ref()) };
    let whole_week = ReadFilter { week: Some(week), ..ReadFilter::default() };
    let (stretch, facets, weeks) = tokio::try_join!(
        store.reads(&filter, Order::ProblemsFirst, narrowing.after.as_ref(), WEEK),
        store.facets(&whole_week),
        store.weeks(),
    )?;
    let shown =
        WeekShown { week, path, narrowing, source_title: source.map(|s| s.title), stretch, facets, weeks };
    Ok(frame.page(document(frame, shown)))
}

/// All that a week's page shows.
pub(crate) struct WeekShown {
    pub(crate) week: Week,
    pub(crate) path: String,
    pub(crate) narrowing: Narrowing,
    pub(crate) source_title: Option<String>,
    pub(crate) stretch: Stretch<ReadCard>,
    pub(crate) facets: Facets,
    /// All weeks with reads, newest first.
    pub(crate) weeks: Vec<WeekCount>,
}

pub(crate) fn document(frame: &Frame, shown: WeekShown) -> Document {
    let week = shown.week;
    let (older, newer) = shelf::neighbours(&shown.weeks, week);
    let address = |week: Week| format!("/week/{week}");
    let beside = facets(&shown.facets, &shown.narrowing, &shown.path, Without::Nothing);
    Document {
        title: if shown.path == "/" {
            String::new()
        } else {
            format!("Week {} of {}", week.number(), week.year())
        },
        description: Some(format!(
            "The engineering reads of {}, each by the problem it solves.",
            words::span(week)
        )),
        section: (shown.path == "/").then_some(Section::Newest),
        previous: older.map(address),
        next: newer.map(address),
        above: Some(html! {
            (shelf::strip(&shown.weeks, week))
        }),
        main: html! {
            (head(frame, &shown))
            (way_to_facets(&shown.facets))
            (chips(&shown.narrowing, &shown.path, shown.source_title.as_deref()))
            (list(frame, &shown))
            (reads::pager(&shown.path, &shown.narrowing, shown.stretch.next.as_ref(), "More of this week →"))
            nav aria-label="Weeks next to this one" { (shelf::turn(&shown.weeks, week)) }
        },
        beside: (!beside.0.is_empty()).then_some(beside),
        beside_name: "narrowing this list",
        ..Document::default()
    }
}

fn head(frame: &Frame, shown: &WeekShown) -> Markup {
    let week = shown.week;
    let so_far = if week == Week::of(frame.now, frame.zone()) { " so far" } else { "" };
    let count = shown.weeks.iter().find(|count| count.week == week);
    html! {
        div.head {
            h1 { "Week " (week.number()) }
            p.when { time datetime=(week) { (words::span(week)) } }
            @if let Some(count) = count {
                p.tally { (words::count(count.reads, "read")) (so_far) ", " (words::number(count.problems)) " with a problem" }
            }
        }
    }
}

fn list(frame: &Frame, shown: &WeekShown) -> Markup {
    let (problems, others): (Vec<_>, Vec<_>) =
        shown.stretch.items.iter().partition(|card| card.problem.is_some());
    html! {
        @if !problems.is_empty() {
            section aria-labelledby="problems" {
                h2 #problems .unseen { "Problems" }
                (reads::by_problem(problems.iter().copied(), frame.zone()))
            }
        }
        @if !others.is_empty() {
            section aria-labelledby="others" {
                h2 #others .section { @if problems.is_empty() { "Published" } @else { "Also published" } }
                (reads::by_title(others.iter().copied(), frame.zone()))
            }
        }
        @if shown.stretch.items.is_empty() { (nothing(shown)) }
    }
}

fn nothing(shown: &WeekShown) -> Markup {
    let (older, newer) = shelf::neighbours(&shown.weeks, shown.week);
    html! {
        div.empty {
            @if shown.narrowing.is_narrow() {
                p { "Nothing in this week is that narrow." }
                p { a href=(shown.path) { "Show all of the week" } }
            } @else {
                p { "No read of this week is in the archive." }
                ul {
                    @if let Some(older) = older { li { a href={ "/week/" (older) } { "The last week before it that has reads" } } }
                    @if let Some(newer) = newer { li { a href={ "/week/" (newer) } { "The first week after it that has reads" } } }
                    li { a href="/weeks" { "All weeks" } }
                }
            }
        }
    }
}
