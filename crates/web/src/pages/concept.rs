//! A concept, `/concept/{slug}`: its definition, related concepts, and reads.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use backissue_model::{Concept, ConceptSlug, Deck};
use backissue_store::{Facets, Order, Page as Stretch, ReadCard, ReadFilter};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::feed_links::{Format, Offered};
use crate::frame::{Document, Frame, Section};
use crate::narrowing::Narrowing;
use crate::pages::deck_href;
use crate::parts::facets::{Without, chips, facets, facets_of, narrowing as narrowing_of, shows_uncounted};
use crate::parts::marks::Marked;
use crate::parts::reads;
use crate::parts::reads::PAGE;
use crate::{App, feeds, vocabulary};

/// Maximum reads under "Start here".
pub(crate) const STARTS: u32 = 5;

/// `/concept/{slug}`; with `.atom` or `.json` behind the slug its feed.
pub(crate) async fn concept(
    frame: Frame,
    narrowing: Narrowing,
    Path(slug): Path<String>,
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    if let Some((name, _)) = Format::of(&slug) {
        return feeds::concept(&app, &headers, &uri, name).await;
    }
    let store = &app.store;
    let slug: ConceptSlug = slug.parse().map_err(|_| Fault::NoSuchConcept(slug))?;
    // The page is about one concept, so a concept in the query is ignored.
    let narrowing = Narrowing { concept: None, ..narrowing };
    let (filter, source) = narrowing.looked_up(store).await?;
    let mine = frame.reader.zip(narrowing.show);
    let filter = ReadFilter { concept: Some(slug.clone()), mine, ..filter };
    // A part of the list needs no entry point.
    let is_whole = !narrowing.is_narrow() && narrowing.after.is_none();
    let starts = async { if is_whole { store.start_with(&slug, STARTS).await } else { Ok(Vec::new()) } };
    let (stretch, found, starts) = tokio::try_join!(
        store.reads(&filter, Order::Newest, narrowing.after.as_ref(), PAGE),
        facets_of(store, &frame, &filter),
        starts,
    )?;
    if stretch.items.is_empty() {
        Narrowing { concept: Some(slug.clone()), ..Narrowing::default() }.check_concept(store).await?;
    }
    let title = source.map(|source| source.title);
    let marked = Marked::on(store, &frame, stretch.items.iter().chain(&starts)).await?;
    let has_cards = match frame.reader {
        Some(reader) => store.has_cards(reader, &Deck::Concept(slug.clone())).await?,
        None => false,
    };
    let listed = Listed { stretch, found, starts, has_cards, marked };
    Ok(frame.page(document(&frame, &slug, &narrowing, title.as_deref(), &listed)).into_response())
}

/// The reads that the page lists.
struct Listed {
    stretch: Stretch<ReadCard>,
    found: Facets,
    starts: Vec<ReadCard>,
    /// Whether the reader can practise with them.
    has_cards: bool,
    marked: Marked,
}

fn document(
    frame: &Frame,
    slug: &ConceptSlug,
    narrowing: &Narrowing,
    source_title: Option<&str>,
    listed: &Listed,
) -> Document {
    let Listed { stretch, found, has_cards, marked, .. } = listed;
    let path = format!("/concept/{slug}");
    // A short list needs no entry point.
    let is_long = stretch.items.len() > STARTS as usize;
    let concept = vocabulary::concept(slug);
    let beside = facets(found, narrowing, &path, Without::Concepts);
    let name = vocabulary::name(slug);
    Document {
        description: concept.map(|concept| concept.definition.clone()),
        section: Some(Section::Concepts),
        feed: Some(Offered::new(name.clone(), path.clone())),
        main: html! {
            div.head {
                p.eyebrow { (above(concept)) }
                h1 { (name) }
                @if let Some(concept) = concept { p.standfirst { (concept.definition) } }
                (around(slug))
                @if *has_cards {
                    p.tally { a href=(deck_href(Deck::Concept(slug.clone()))) { "Practise with these" } }
                }
                (shows_uncounted(frame, narrowing, &path, &stretch.items))
            }
            (narrowing_of(beside.as_ref()))
            (chips(narrowing, &path, source_title))
            @if is_long { (start_here(frame, listed)) }
            (reads::by_month(&stretch.items, frame.zone(), marked))
            @if stretch.items.is_empty() { (nothing(narrowing, &path)) }
            (reads::pager(&path, narrowing, stretch.next.as_ref(), "Older reads →"))
        },
        narrows: beside.is_some(),
        beside_name: "narrowing this list",
        title: name,
        ..Document::default()
    }
}

/// The reads with the most certain problem and outcome.
fn start_here(frame: &Frame, listed: &Listed) -> Markup {
    let Listed { stretch, starts, marked, .. } = listed;
    let is_below = |start: &ReadCard| stretch.items.iter().any(|card| card.id == start.id);
    let buttons =
        |start: &ReadCard| if is_below(start) { marked.more_buttons(start) } else { marked.buttons(start) };
    html! {
        @if !starts.is_empty() {
            section.starts {
                h2.section { "Start here" }
                (reads::brief(starts, frame.zone(), buttons))
            }
        }
    }
}

/// The path from the vocabulary down to the concept.
fn above(concept: Option<&Concept>) -> Markup {
    let mut line = Vec::new();
    let mut parent = concept.and_then(|concept| concept.parent.as_ref());
    while let Some(slug) = parent {
        line.push(slug);
        parent = vocabulary::concept(slug).and_then(|concept| concept.parent.as_ref());
    }
    html! {
        a href="/concepts" { "Concepts" }
        @for slug in line.iter().rev() { (reads::dot()) a href={ "/concept/" (slug) } { (vocabulary::name(slug)) } }
    }
}

/// Concepts directly below it.
fn around(slug: &ConceptSlug) -> Markup {
    let below: Vec<_> =
        vocabulary::all().iter().filter(|other| other.parent.as_ref() == Some(slug)).collect();
    html! {
        @if !below.is_empty() {
            p.tally {
                "Narrower: "
                @for (at, concept) in below.iter().enumerate() {
                    @if at > 0 { ", " }
                    a href={ "/concept/" (concept.slug) } { (concept.name) }
                }
            }
        }
    }
}

fn nothing(narrowing: &Narrowing, path: &str) -> Markup {
    html! {
        div.empty {
            @if narrowing.is_narrow() {
                p { "Nothing on it is that narrow." }
                p { a href=(path) { "Show all reads on it" } }
            } @else {
                p { "No read in the archive is on it yet." }
                p { a href="/concepts" { "All concepts" } }
            }
        }
    }
}
