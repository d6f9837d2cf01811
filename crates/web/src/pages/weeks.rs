//! The whole archive, `/weeks`: a row per year, a bar per week.

use axum::extract::State;
use backissue_store::{Store, WeekCount};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::frame::{Document, Frame, Page, Section};
use crate::parts::icons::swatch;
use crate::parts::shelf;
use crate::words;

/// `/weeks`
pub(crate) async fn weeks(frame: Frame, State(store): State<Store>) -> Result<Page, Fault> {
    Ok(frame.page(document(&store.weeks().await?)))
}

/// The page for `weeks`, newest first.
fn document(weeks: &[WeekCount]) -> Document {
    let tallest = shelf::height(weeks);
    let years: Vec<&[WeekCount]> = weeks.chunk_by(|a, b| a.week.year() == b.week.year()).collect();
    Document {
        title: "All weeks".to_owned(),
        description: Some("Every week of the archive with its reads.".to_owned()),
        section: Some(Section::Weeks),
        main: html! {
            (head(weeks))
            @if years.len() > 2 {
                nav.years aria-label="Years" {
                    @for year in &years { a href={ "#y" (year[0].week.year()) } { (year[0].week.year()) } }
                }
            }
            @for year in &years { (year_section(year, tallest)) }
            @if weeks.is_empty() { div.empty { p { "No read is in the archive yet. " a href="/" { "The front page" } } } }
        },
        ..Document::default()
    }
}

fn head(weeks: &[WeekCount]) -> Markup {
    let reads: u64 = weeks.iter().map(|count| count.reads).sum();
    let problems: u64 = weeks.iter().map(|count| count.problems).sum();
    html! {
        div.head {
            h1 { "All weeks" }
            @if !weeks.is_empty() {
                p.standfirst { (words::count(reads, "read")) " in " (words::count(weeks.len() as u64, "week")) ", " (words::number(problems)) " of them with a problem." }
            }
        }
        @if !weeks.is_empty() {
            p.legend {
                span { (swatch("problems")) "reads with a problem" }
                span { (swatch("all")) "other posts" }
                span { "A bar is a week." }
            }
        }
    }
}

fn year_section(weeks: &[WeekCount], tallest: u64) -> Markup {
    let year = weeks[0].week.year();
    let reads: u64 = weeks.iter().map(|count| count.reads).sum();
    let id = format!("y{year}");
    html! {
        section.year aria-labelledby=(id) {
            h2 id=(id) { (year) span.quiet { (words::count(reads, "read")) " in " (words::count(weeks.len() as u64, "week")) } }
            (shelf::year(weeks, tallest))
        }
    }
}
