//! The companies of a published site: `/companies` lists them, `/company/{slug}` has the reads of
//! one.
//!
//! `serve` has sources instead, and finds a company's reads by search.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use backissue_store::ReadCard;
use maud::{Markup, html};

use crate::fault::Fault;
use crate::feed_links::{Format, Offered};
use crate::frame::{Document, Frame, Page, Section};
use crate::parts::marks::Marked;
use crate::parts::reads;
use crate::parts::reads::PAGE;
use crate::published::Company;
use crate::{App, feeds, words};

/// `/companies`
pub(crate) async fn companies(frame: Frame) -> Result<Page, Fault> {
    let published = frame.site.published.as_ref().ok_or(Fault::NoSuchPage)?;
    let companies = &published.companies;
    let document = Document {
        title: "Companies".to_owned(),
        description: Some("The companies whose engineers wrote the reads of this archive.".to_owned()),
        section: Some(Section::Companies),
        main: html! {
            div.head {
                h1 { "Companies" }
                p.standfirst {
                    (words::number(companies.len() as u64)) @if companies.len() == 1 { " company." } @else { " companies." }
                }
            }
            ul.others {
                @for company in companies.iter() {
                    li {
                        span.what { (words::count(company.reads.len() as u64, "read")) }
                        span.title { a href={ "/company/" (company.slug) } data-read { (company.name) } }
                    }
                }
            }
        },
        ..Document::default()
    };
    Ok(frame.page(document))
}

/// `/company/{slug}`; with `.atom` or `.json` behind the slug its feed. `?after=50` skips the
/// newest 50 reads.
pub(crate) async fn company(
    frame: Frame,
    Path(slug): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    let published = app.site.published.as_ref().ok_or(Fault::NoSuchPage)?;
    if let Some((slug, _)) = Format::of(&slug) {
        let company = published.company(slug).ok_or(Fault::NoSuchPage)?;
        return feeds::company(&app, &headers, &uri, company).await;
    }
    let company = published.company(&slug).ok_or(Fault::NoSuchPage)?;
    let skipped = query.get("after").and_then(|after| after.parse().ok()).unwrap_or(0_usize);
    let rest = company.reads.get(skipped..).unwrap_or_default();
    let shown = &rest[..rest.len().min(PAGE as usize)];
    let cards = app.store.cards(shown).await?;
    let next = (rest.len() > shown.len()).then_some(skipped + shown.len());
    Ok(frame.page(document(&frame, company, &cards, skipped, next)).into_response())
}

fn document(
    frame: &Frame,
    company: &Company,
    cards: &[ReadCard],
    skipped: usize,
    next: Option<usize>,
) -> Document {
    let path = format!("/company/{}", company.slug);
    Document {
        title: company.name.clone(),
        description: Some(format!(
            "What engineers of {} wrote, each read by the problem it solves.",
            company.name
        )),
        section: Some(Section::Companies),
        feed: Some(Offered::new(company.name.clone(), path.clone())),
        main: html! {
            div.head {
                p.eyebrow { a href="/companies" { "Companies" } }
                h1 { (company.name) }
                p.tally { (words::count(company.reads.len() as u64, "read")) }
            }
            (reads::by_month(cards, frame.zone(), &Marked::default()))
            (turn(&path, skipped, next))
        },
        ..Document::default()
    }
}

fn turn(path: &str, skipped: usize, next: Option<usize>) -> Markup {
    html! {
        @if skipped > 0 || next.is_some() {
            nav.turn.list-end aria-label="Pages of this list" {
                @if skipped > 0 { a href=(path) { "Back to the beginning" } }
                @if let Some(next) = next { a rel="next" href={ (path) "?after=" (next) } { "Older reads →" } }
            }
        }
    }
}
