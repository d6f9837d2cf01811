//! A read, `/read/{id}/{slug}`: the problem, its evidence and other facts, then the article.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse, Response};
use backissue_model::{Highlight, Precis, Sureness};
use backissue_search::Search;
use backissue_store::{ReadCard, ReadPage, SAVED, Store};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::article::{self, Shown};
use crate::fault::Fault;
use crate::frame::{Document, Frame};
use crate::freshness::kept_if;
use crate::images::{self, Asked, Showing};
use crate::parts::highlight::Located;
use crate::parts::marks::Marked;
use crate::parts::statements::Targets;
use crate::parts::{highlight, icons, note, practice, reads, statements};
use crate::published::Others;
use crate::read_address::read_id;
use crate::{App, documents, evidence, vocabulary, words};

/// Maximum reads under "others with this problem".
pub const OTHERS: usize = 5;
/// How long a page waits for these reads, for example if an embedding server is slow.
const OTHERS_WITHIN: Duration = Duration::from_secs(1);

/// `/read/{id}`; with `.md` behind the number as Markdown.
pub(crate) async fn without_slug(Path(id): Path<String>, State(app): State<App>) -> Result<Response, Fault> {
    if let Some(id) = id.strip_suffix(".md") {
        return documents::read(&app, id).await;
    }
    let page = find(&app.store, &id).await?;
    Ok(moved_to(&page))
}

/// `/read/{id}/{slug}`; redirects from a wrong slug to the correct one.
pub(crate) async fn read(
    frame: Frame,
    Path((id, slug)): Path<(String, String)>,
    asked: Asked,
    known: Option<Extension<Others>>,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let mut page = find(&app.store, &id).await?;
    if slug != page.card.slug.as_str() {
        return Ok(moved_to(&page));
    }
    let images = match app.site.published {
        Some(_) => Showing::AtSource,
        None => Showing::of(&app.images, asked, page.card.id, reads::href(&page.card)),
    };
    if !frame.shows_articles {
        // It may be the beginning of the article.
        page.card.description = None;
    }
    let highlights = match frame.reader {
        Some(reader) => app.store.highlights(reader, page.card.id).await?,
        None => Vec::new(),
    };
    let article = async {
        if !frame.shows_articles {
            return (None, Vec::new());
        }
        let (shown, located) = article_shown(&page, images, highlights).await;
        (Some(shown), located)
    };
    let others = async {
        match known {
            Some(Extension(Others(known))) => Some(known),
            None => others(&app.search, &page).await,
        }
    };
    let ((shown, located), others, beside) = tokio::join!(article, others, app.store.beside(&page.card));
    let own = match &shown {
        Some(shown) => own(&frame, &app.store, &page.card, &located, &shown.marks).await?,
        None => html! {},
    };
    let listed = std::iter::once(&page.card).chain(others.iter().flatten());
    let marked = Marked::on(&app.store, &frame, listed).await?;
    let (previous, next) = beside?;
    let beside = Beside { previous, next };
    let answer = frame
        .page(document(
            &frame,
            &page,
            shown.as_ref(),
            &marked,
            &own,
            others.as_deref().unwrap_or_default(),
            &beside,
        ))
        .into_response();
    Ok(kept_if(others.is_some(), answer))
}

/// Reads with the same problem. Returns `None` if they cannot be found now; the page is shown
/// without them.
async fn others(search: &Search, page: &ReadPage) -> Option<Vec<ReadCard>> {
    let id = page.card.id;
    if page.precis.problem.is_none() {
        return Some(Vec::new());
    }
    match tokio::time::timeout(OTHERS_WITHIN, search.others_with(id, OTHERS)).await {
        Ok(Ok(others)) => Some(others.into_iter().map(|other| other.read.card).collect()),
        Ok(Err(error)) => {
            tracing::warn!(%id, error = &error as &dyn std::error::Error, "no others with the problem of read {id}: {error}");
            None
        }
        Err(_) => {
            tracing::warn!(%id, "others with the problem of read {id} were not found in time");
            None
        }
    }
}

async fn find(store: &Store, id: &str) -> Result<ReadPage, Fault> {
    store.read(read_id(id)?).await?.ok_or(Fault::NoSuchRead)
}

/// A title may change back, so the redirect must not be cached.
fn moved_to(page: &ReadPage) -> Response {
    let headers = [(LOCATION, reads::href(&page.card)), (CACHE_CONTROL, "private, no-cache".to_owned())];
    (StatusCode::PERMANENT_REDIRECT, headers).into_response()
}

/// The reader's note, labels, highlights and answers. Empty without a reader.
async fn own(
    frame: &Frame,
    store: &Store,
    card: &ReadCard,
    located: &[Located],
    marks: &HashSet<String>,
) -> Result<Markup, Fault> {
    let Some(reader) = frame.reader else { return Ok(html! {}) };
    let id = card.id;
    let (note, labels, known, answers, reader) = tokio::try_join!(
        store.note(reader, id),
        store.labels(reader, id),
        store.all_labels(reader),
        store.card_answers(reader, id),
        store.reader(reader, frame.now)
    )?;
    Ok(html! {
        // The script looks for it: nothing changes by GET.
        @if reader.is_some_and(|reader| reader.opening_is_done) { span #opening-is-done hidden {} }
        (note::section(frame, card, &note, &labels, &known))
        (highlight::section(frame, located, marks))
        (practice::answers(frame, &answers))
    })
}

/// Prepares the article on a blocking thread, because parsing takes quadratic time in the nesting
/// of a hostile article. Also finds the reader's highlights in it.
async fn article_shown(
    page: &ReadPage,
    images: Showing,
    highlights: Vec<Highlight>,
) -> (Shown, Vec<Located>) {
    let (html, text, address) = (page.article.html.clone(), page.article.text.clone(), page.card.url.clone());
    let mut passages = evidence::passages(&text, &page.precis);
    let work = move || {
        let (located, highlighted) = highlight::locate(&text, highlights);
        passages.extend(highlighted);
        (article::for_display(&html, &address, &passages, &images), located)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(shown) => shown,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The reads before and after one on its week's page.
struct Beside {
    previous: Option<ReadCard>,
    next: Option<ReadCard>,
}

fn turn(page: &ReadPage, beside: &Beside) -> Markup {
    html! {
        nav aria-label="Reads next to this one" {
            div.turn {
                @if let Some(card) = &beside.previous { a rel="prev" href=(reads::href(card)) { "← " (card.title) } }
                @if let Some(card) = &beside.next { a rel="next" href=(reads::href(card)) { (card.title) " →" } }
            }
            p { a href={ "/week/" (page.card.week) } { "All of week " (page.card.week.number()) } }
        }
    }
}

fn document(
    frame: &Frame,
    page: &ReadPage,
    shown: Option<&Shown>,
    marked: &Marked,
    own: &Markup,
    others: &[ReadCard],
    beside: &Beside,
) -> Document {
    let card = &page.card;
    let targets = match shown {
        Some(shown) if page.html_gone_at.is_none() => Targets::Here(&shown.marks),
        _ => Targets::There(&card.url),
    };
    Document {
        title: card.title.clone(),
        description: card.problem.clone().or_else(|| card.description.clone()),
        canonical: Some(card.url.to_string()),
        previous: beside.previous.as_ref().map(reads::href),
        next: beside.next.as_ref().map(reads::href),
        markdown: Some(format!("/read/{}.md", card.id)),
        picture: frame.site.published.as_ref().map(|published| published.read_picture(card)),
        main: html! {
            (head(frame, page, &targets, marked))
            (own)
            @match (shown, page.html_gone_at) {
                (Some(_), Some(at)) => (gone(page, frame, at)),
                (Some(shown), None) => (article_of(page, shown)),
                (None, _) => {}
            }
            @if frame.reader.is_some() && page.html_gone_at.is_none() { (highlight::form(frame, card.id)) }
            p.list-end { (source_link(page)) }
            (turn(page, beside))
        },
        beside: Some(html! { (with_this_problem(frame, others, marked)) (facts(frame, page)) }),
        beside_name: "about this read",
        ..Document::default()
    }
}

fn article_of(page: &ReadPage, shown: &Shown) -> Markup {
    let card = &page.card;
    html! {
            article #article .article lang=[page.article.language.as_deref()] aria-labelledby="article-title" {
                // Without a leading problem, the title is already at the top.
                @if leads(&page.precis) { h2 #article-title .article-title { (card.title) } }
                @else { h2 #article-title .unseen lang="en" { "The article" } }
                (images::note(&shown.left, &reads::href(card)))
                div.body { (shown.html) }
            }
    }
}

/// A message in place of an article whose HTML a limit removed.
fn gone(page: &ReadPage, frame: &Frame, at: Timestamp) -> Markup {
    html! {
        section #article .article aria-labelledby="article-title" {
            h2 #article-title .article-title { "The article is not kept here any more" }
            p.say {
                "This archive keeps articles for a time, and removed this one on " (words::date(at, frame.zone()))
                ". What it says of the article stays, with your marks and notes."
            }
            p { (source_link(page)) }
        }
    }
}

/// Whether the problem is shown above the title.
fn leads(precis: &Precis) -> bool {
    precis.problem.as_ref().is_some_and(|problem| problem.sureness() == Sureness::Sure)
}

fn head(frame: &Frame, page: &ReadPage, targets: &Targets<'_>, marked: &Marked) -> Markup {
    let (card, precis) = (&page.card, &page.precis);
    html! {
        header.read-head {
            p.eyebrow {
                (words::kind(card.kind)) (reads::dot()) a href={ "/source/" (card.source_slug) } { (card.company) }
                (reads::dot()) a href={ "/week/" (card.week) } { "Week " (card.week.number()) " of " (card.week.year()) }
            }
            @match &precis.problem {
                Some(problem) if leads(precis) => {
                    (statements::stated("problem", problem, html! { h1 { (problem.form.said(&problem.text)) } }, targets))
                }
                problem => {
                    h1 lang=[page.article.language.as_deref()] { (card.title) }
                    @match problem {
                        Some(problem) => (statements::say("problem", problem, targets)),
                        None => {
                            p.byline { (words::without_problem(card.kind)) }
                            @if let Some(description) = &card.description { p.said { (description) } }
                        }
                    }
                }
            }
            @if let Some(approach) = &precis.approach { (statements::say("approach", approach, targets)) }
            @if let Some(outcome) = &precis.outcome { (statements::say("outcome", outcome, targets)) }
            p.byline {
                @if leads(precis) { cite { (card.title) } (reads::dot()) }
                @if let Some(author) = &card.author { (author) (reads::dot()) }
                (dated(frame, page)) (reads::dot())
                span.figure { (words::count(card.minutes.into(), "minute")) }
            }
            (reads::concepts(&precis.concepts))
            div.acts { (source_link(page)) (marked.buttons(card)) }
            (statements::how_do_we_know(page, targets, frame.zone()))
            @if frame.is_operator { p.correct { a href={ "/correct/" (card.id) } rel="nofollow" { "Correct this" } } }
        }
    }
}

fn dated(frame: &Frame, page: &ReadPage) -> Markup {
    let at = reads::dated(&page.card);
    html! {
        @if page.card.published.is_none() { "first seen " }
        time datetime=(at) { (words::date(at, frame.zone())) }
    }
}

fn source_link(page: &ReadPage) -> Markup {
    let host = page.card.url.host_str().unwrap_or("the source").trim_start_matches("www.");
    html! {
        a.go href=(page.card.url) rel="noopener noreferrer" data-open { "Read it on " (host) (icons::OUT) }
    }
}

fn with_this_problem(frame: &Frame, others: &[ReadCard], marked: &Marked) -> Markup {
    html! {
        @if !others.is_empty() {
            section {
                h2 { "Others with this problem" }
                (reads::brief(others, frame.zone(), |card| marked.buttons(card)))
            }
        }
    }
}

fn facts(frame: &Frame, page: &ReadPage) -> Markup {
    let (card, precis, written) = (&page.card, &page.precis, &page.article);
    // That a reader saved it is nobody else's business.
    let is_told = |title: &str| !frame.is_published() || title != SAVED;
    let elsewhere: Vec<_> = page
        .places
        .iter()
        .filter(|place| place.source_slug != card.source_slug && is_told(&place.source_title))
        .collect();
    html! {
        section {
            h2 { "About this read" }
            dl.facts {
                dt { "Source" }
                dd { a href={ "/source/" (card.source_slug) } { (card.source_title) } }
                @if let Some(author) = &card.author { dt { "Author" } dd { (author) } }
                dt { @if card.published.is_some() { "Published" } @else { "First seen" } }
                dd { (words::date(reads::dated(card), frame.zone())) }
                @if let Some(updated) = page.updated.filter(|at| Some(*at) != card.published) {
                    dt { "Changed" } dd { (words::date(updated, frame.zone())) }
                }
                dt { "Length" }
                dd.figure { (words::count(card.minutes.into(), "minute")) ", " (words::count(written.words.into(), "word")) }
                @if !precis.technologies.is_empty() { dt { "Technologies" } dd { (precis.technologies.join(", ")) } }
                @if !elsewhere.is_empty() {
                    dt { "Also on" }
                    @for place in elsewhere {
                        dd {
                            a href={ "/source/" (place.source_slug) } { (place.source_title) } " ("
                            a href=(place.url) rel="noopener noreferrer" { "its copy" } ")"
                        }
                    }
                }
                dt { "Fetched" } dd { (words::date(page.fetched_at, frame.zone())) }
            }
        }
        (defined(precis))
    }
}

/// The read's concepts with their definitions.
fn defined(precis: &Precis) -> Markup {
    let concepts: Vec<_> = precis.concepts.iter().filter_map(vocabulary::concept).collect();
    html! {
        @if !concepts.is_empty() {
            section {
                h2 { "Its concepts" }
                dl.defined {
                    @for concept in concepts {
                        dt { a href={ "/concept/" (concept.slug) } { (concept.name) } }
                        dd { (concept.definition) }
                    }
                }
            }
        }
    }
}
