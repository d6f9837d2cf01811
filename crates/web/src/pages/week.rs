//! A week's reads: `/` shows the newest week, `/week/2026-W20` that one.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use backissue_model::Week;
use backissue_store::{Facets, Order, Page as Stretch, ReadCard, ReadFilter, ReaderCount, Store, WeekCount};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::feed_links::Offered;
use crate::frame::{Document, Frame, Section};
use crate::narrowing::Narrowing;
use crate::pages::empty;
use crate::parts::facets::{Without, chips, facets, facets_of, narrowing as narrowing_of, shows};
use crate::parts::marks::Marked;
use crate::parts::{reads, shelf};
use crate::{App, documents, published, words};

/// Maximum reads on a week's page. It is larger than for other lists, because few weeks have so
/// many.
const WEEK: u32 = 100;

/// If the newest week has fewer reads than this, as on a Monday or in a new archive, the best reads
/// of earlier weeks follow.
const THIN: usize = 5;

/// Number of earlier weeks with reads to consider.
const WEEKS_BEFORE: usize = 4;

/// Maximum number of reads from earlier weeks.
const BEST: usize = 12;

/// Minimum number of reads for which facets are shown.
const NEEDS_NARROWING: usize = 6;

/// `/`
pub(crate) async fn newest(
    frame: Frame,
    narrowing: Narrowing,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let newest = match &frame.newest {
        Some((week, _)) => Some(*week),
        None => store.newest_week().await?,
    };
    match newest {
        Some(week) => {
            show(&store, &frame, narrowing, week, "/".to_owned()).await.map(IntoResponse::into_response)
        }
        None => {
            if frame.is_published() {
                return Ok(frame.page(empty::in_files()).into_response());
            }
            let sources = store.sources(&backissue_store::SourceFilter::default()).await?;
            Ok(frame.page(empty::document(&frame.progress, &sources)).into_response())
        }
    }
}

/// `/week/{week}`; with `.md` behind the week as Markdown.
pub(crate) async fn week(
    frame: Frame,
    narrowing: Narrowing,
    Path(week): Path<String>,
    State(app): State<App>,
) -> Result<Response, Fault> {
    if let Some(week) = week.strip_suffix(".md") {
        return documents::week(&app, &narrowing, week).await;
    }
    let week: Week = week.parse()?;
    show(&app.store, &frame, narrowing, week, format!("/week/{week}")).await.map(IntoResponse::into_response)
}

async fn show(
    store: &Store,
    frame: &Frame,
    narrowing: Narrowing,
    week: Week,
    path: String,
) -> Result<crate::frame::Page, Fault> {
    let (filter, source) = narrowing.looked_up(store).await?;
    let filter = ReadFilter { week: Some(week), mine: frame.reader.zip(narrowing.show), ..filter };
    let counted = async {
        match (frame.reader, &frame.newest) {
            (_, Some((newest, counted))) if *newest == week => Ok(Some(*counted)),
            (Some(reader), _) => store.reader_week(reader, week).await.map(Some),
            (None, _) => Ok(None),
        }
    };
    let (stretch, facets, weeks, counted) = tokio::try_join!(
        store.reads(&filter, Order::ProblemsFirst, narrowing.after.as_ref(), WEEK),
        facets_of(store, frame, &filter),
        shelf::around(store, week),
        counted,
    )?;
    let is_thin = path == "/" && !narrowing.is_narrow() && stretch.items.len() < THIN;
    let before = if is_thin { best_before(store, frame, &weeks, week).await? } else { Vec::new() };
    let marked = Marked::on(store, frame, stretch.items.iter().chain(&before)).await?;
    let shown = WeekShown {
        week,
        path,
        narrowing,
        source_title: source.map(|s| s.title),
        stretch,
        facets,
        weeks,
        before,
        counted,
        marked,
    };
    Ok(frame.page(document(frame, shown)))
}

/// The best reads of the weeks before `week` that the reader does not hide: those with a problem
/// first, newest first in each group.
async fn best_before(
    store: &Store,
    frame: &Frame,
    weeks: &[WeekCount],
    week: Week,
) -> Result<Vec<ReadCard>, Fault> {
    let mut found = Vec::new();
    for older in weeks.iter().map(|count| count.week).filter(|older| *older < week).take(WEEKS_BEFORE) {
        let filter = ReadFilter { week: Some(older), ..ReadFilter::default() };
        let most = u32::try_from(BEST).unwrap_or(u32::MAX);
        found.extend(store.reads(&filter, Order::ProblemsFirst, None, most).await?.items);
    }
    if let Some(reader) = frame.reader {
        let ids: Vec<_> = found.iter().map(|card| card.id).collect();
        let marks = store.marks(reader, &ids).await?;
        found.retain(|card| marks.get(&card.id).is_none_or(|marks| marks.hidden.is_none()));
    }
    // The sort is stable, so the newer week stays first in each group.
    found.sort_by_key(|card| card.problem.is_none());
    found.truncate(BEST);
    Ok(found)
}

/// The contents of a week's page.
struct WeekShown {
    week: Week,
    path: String,
    narrowing: Narrowing,
    source_title: Option<String>,
    stretch: Stretch<ReadCard>,
    facets: Facets,
    /// The weeks with reads around this one, newest first.
    weeks: Vec<WeekCount>,
    /// The best reads of the weeks before, if this one has few.
    before: Vec<ReadCard>,
    /// The reader's counts of the week.
    counted: Option<ReaderCount>,
    marked: Marked,
}

fn document(frame: &Frame, shown: WeekShown) -> Document {
    let week = shown.week;
    let (older, newer) = shelf::neighbours(&shown.weeks, week);
    let address = |week: Week| format!("/week/{week}");
    let is_long = shown.narrowing.is_narrow() || shown.stretch.items.len() >= NEEDS_NARROWING;
    let beside =
        is_long.then(|| facets(&shown.facets, &shown.narrowing, &shown.path, Without::Nothing)).flatten();
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
        picture: Some(published::week_picture(week)),
        markdown: Some(shown.narrowing.href(&format!("/week/{week}.md"))),
        feed: Some(Offered::new("Weeks", "/weeks")),
        main: html! {
            (head(frame, &shown))
            (narrowing_of(beside.as_ref()))
            (chips(&shown.narrowing, &shown.path, shown.source_title.as_deref()))
            div.in-columns { (list(frame, &shown)) }
            (reads::pager(&shown.path, &shown.narrowing, shown.stretch.next.as_ref(), "More of this week →"))
            @if !shown.before.is_empty() { (weeks_before(frame, &shown.before, &shown.marked)) }
            nav aria-label="Weeks next to this one" { (shelf::turn(&shown.weeks, week)) }
        },
        narrows: beside.is_some(),
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
            div #counted {
                @if let Some(count) = count {
                    p.tally {
                        (words::count(count.reads, "read")) (so_far) ", " (words::number(count.problems)) " with a problem"
                        @if let Some(counted) = &shown.counted { ", " (words::left_to_read(counted)) }
                    }
                    @if let Some(counted) = &shown.counted { (choices(frame, shown, counted)) }
                }
            }
        }
    }
}

/// Links that filter the week by the reader's marks, and the button that marks all of it as done.
fn choices(frame: &Frame, shown: &WeekShown, counted: &ReaderCount) -> Markup {
    html! {
        nav.shows aria-label="Which reads of the week" {
            (shows(&shown.narrowing, &shown.path, Some(counted)))
            @if counted.unread > 0 {
                button form="marks" formaction={ "/week/" (shown.week) "/done" } data-whole { "Mark this week done" }
            }
            @if frame.is_operator { a href={ "/week/" (shown.week) "/digest" } { "Digest" } }
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
                (reads::by_problem(problems.iter().copied(), frame.zone(), &shown.marked))
            }
        }
        @if !others.is_empty() {
            section aria-labelledby="others" {
                h2 #others .section { @if problems.is_empty() { "Published" } @else { "Also published" } }
                (reads::by_title(others.iter().copied(), frame.zone(), &shown.marked))
            }
        }
        @if shown.stretch.items.is_empty() { (nothing(shown)) }
    }
}

fn weeks_before(frame: &Frame, cards: &[ReadCard], marked: &Marked) -> Markup {
    let (problems, others): (Vec<_>, Vec<_>) = cards.iter().partition(|card| card.problem.is_some());
    html! {
        section aria-labelledby="before" {
            h2 #before .section { "The best of the weeks before" }
            @if !problems.is_empty() { (reads::by_problem(problems.iter().copied(), frame.zone(), marked)) }
            @if !others.is_empty() { (reads::by_title(others.iter().copied(), frame.zone(), marked)) }
        }
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
