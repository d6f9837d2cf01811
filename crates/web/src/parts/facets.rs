//! Facets of a list and its current filters: all of them links, so that the address is the whole
//! state.

use backissue_store::{Facets, Mine, ReadCard, ReadFilter, ReaderCount, Store, StoreError};
use maud::{Markup, html};

use crate::frame::Frame;
use crate::narrowing::Narrowing;
use crate::parts::icons;
use crate::{vocabulary, words};

/// Number of a facet's values that are visible; the rest is folded.
const OPEN: usize = 10;

/// A facet that a page omits, because all its reads have the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    Sources,
    Concepts,
}

/// The values by which a list can be filtered. None in a published site, which has no files for
/// all combinations.
pub(crate) async fn facets_of(
    store: &Store,
    frame: &Frame,
    filter: &ReadFilter,
) -> Result<Facets, StoreError> {
    if frame.is_published() { Ok(Facets::default()) } else { store.facets(filter).await }
}

/// A value of a facet, and the link that selects it.
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) href: String,
    pub(crate) chosen: bool,
}

/// The facets of the list at `path`: each value links to the list with this filter, or without it
/// if it is selected. Returns `None` if no value would shorten the list, and for a list of the
/// reader's marks: the facets count the whole list.
pub(crate) fn facets(facets: &Facets, narrowing: &Narrowing, path: &str, without: Without) -> Option<Markup> {
    if narrowing.show.is_some() {
        return None;
    }
    let kinds = facets.kinds.iter().map(|(kind, count)| {
        let chosen = narrowing.kind == Some(*kind);
        let href = narrowing.with_kind((!chosen).then_some(*kind)).href(path);
        Value { name: words::kind(*kind).to_owned(), count: *count, href, chosen }
    });
    let forms = facets.forms.iter().map(|(form, count)| {
        let chosen = narrowing.form == Some(*form);
        let href = narrowing.with_form((!chosen).then_some(*form)).href(path);
        Value { name: words::form(*form).to_owned(), count: *count, href, chosen }
    });
    let concepts = facets.concepts.iter().map(|(slug, count)| {
        let chosen = narrowing.concept.as_ref() == Some(slug);
        let href = narrowing.with_concept((!chosen).then_some(slug)).href(path);
        Value { name: vocabulary::name(slug), count: *count, href, chosen }
    });
    let sources = facets.sources.iter().map(|(slug, title, count)| {
        let chosen = narrowing.source.as_ref() == Some(slug);
        let href = narrowing.with_source((!chosen).then_some(slug)).href(path);
        Value { name: title.clone(), count: *count, href, chosen }
    });
    let markup = html! {
        (facet("Kind", &kinds.collect::<Vec<_>>()))
        @if without != Without::Concepts { (facet("Concept", &concepts.collect::<Vec<_>>())) }
        @if without != Without::Sources { (facet("Source", &sources.collect::<Vec<_>>())) }
        (facet("Wording", &forms.collect::<Vec<_>>()))
    };
    (!markup.0.is_empty()).then_some(markup)
}

/// The values of a facet. Empty if none of them would shorten the list.
pub(crate) fn facet(name: &str, values: &[Value]) -> Markup {
    // A single value shortens nothing, unless it is selected.
    if values.is_empty() || (values.len() == 1 && !values[0].chosen) {
        return html! {};
    }
    // Folding two or three would take more space than it saves.
    let open = if values.len() <= OPEN + 3 { values.len() } else { OPEN };
    html! {
        section.facet {
            h2.narrowing { "By " (name.to_lowercase()) }
            (list(&values[..open]))
            @if open < values.len() {
                details { summary { (values.len() - open) " more" } (list(&values[open..])) }
            }
        }
    }
}

fn list(values: &[Value]) -> Markup {
    html! {
        ul {
            @for value in values {
                li {
                    a href=(value.href) aria-current=[value.chosen.then_some("true")] rel="nofollow" {
                        span.name { (value.name) }
                        span.count { (words::number(value.count)) }
                    }
                }
            }
        }
    }
}

/// Links that filter the list at `path` by the reader's marks and notes, with counts if they are
/// known.
pub(crate) fn shows(narrowing: &Narrowing, path: &str, counted: Option<&ReaderCount>) -> Markup {
    let link = |show: Option<Mine>, name: &str, count: Option<u64>| {
        html! {
            a href=(narrowing.with_show(show).href(path)) aria-current=[(narrowing.show == show).then_some("true")] {
                (name) @if let Some(count) = count { " " span.count { (words::number(count)) } }
            }
        }
    };
    html! {
        (link(None, "All", counted.map(|counted| counted.reads)))
        (link(Some(Mine::Unread), "Unread", counted.map(|counted| counted.unread)))
        (link(Some(Mine::Kept), "Kept", counted.map(|counted| counted.kept)))
        (link(Some(Mine::Noted), "Noted", counted.map(|counted| counted.noted)))
        (link(Some(Mine::Hidden), "Hidden", None))
    }
}

/// The same on a page that does not count its list, for readers only. An empty list has them if
/// they made it empty.
pub(crate) fn shows_uncounted(
    frame: &Frame,
    narrowing: &Narrowing,
    path: &str,
    listed: &[ReadCard],
) -> Markup {
    html! {
        @if frame.reader.is_some() && (!listed.is_empty() || narrowing.show.is_some()) {
            nav.shows aria-label="Which reads of the list" { (shows(narrowing, path, None)) }
        }
    }
}

/// The current filters of the list at `path`; each chip removes one.
pub(crate) fn chips(narrowing: &Narrowing, path: &str, source_title: Option<&str>) -> Markup {
    let chip = |name: &str, without: Narrowing| {
        html! {
            li { a.chip href=(without.href(path)) { span.unseen { "No longer only " } (name) (icons::AWAY) } }
        }
    };
    html! {
        @if narrowing.with_show(None).is_narrow() {
            ul.chips aria-label="Narrowed to" {
                li.quiet { "Only" }
                @if let Some(kind) = narrowing.kind { (chip(words::kind(kind), narrowing.with_kind(None))) }
                @if let Some(slug) = &narrowing.concept { (chip(&vocabulary::name(slug), narrowing.with_concept(None))) }
                @if let Some(slug) = &narrowing.source {
                    (chip(source_title.unwrap_or(slug.as_str()), narrowing.with_source(None)))
                }
                @if let Some(form) = narrowing.form { (chip(words::form(form), narrowing.with_form(None))) }
            }
        }
    }
}

/// The facets of a page's list: next to it on wide screens, folded above it on narrow ones.
pub(crate) fn narrowing(facets: Option<&Markup>) -> Markup {
    html! {
        @if let Some(facets) = facets {
            aside #beside .beside.narrows tabindex="-1" aria-label="narrowing this list" {
                details { summary { "Narrow this list" } (facets) }
            }
        }
    }
}
