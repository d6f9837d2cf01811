//! The reader's shelf, `/shelf`, and notes, `/notes`.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use backissue_model::bounds::cut;
use backissue_model::{ConceptSlug, Label, Slug, Source, Week};
use backissue_store::{Own, OwnCursor, OwnPage, ShelfBy, ShelfFilter, ShelfGroup, ShelfGroups, ShelfOrder};
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::json;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::fault::Fault;
use crate::feed_links::Format;
use crate::feeds;
use crate::forms::Signed;
use crate::frame::{Document, Frame, Page, Section};
use crate::markdown;
use crate::pages::login::not_stored;
use crate::parts::marks::Marked;
use crate::parts::note::shelf_href;
use crate::parts::reads::PAGE;
use crate::parts::{highlight, icons, reads};
use crate::question::plain;
use crate::readers::FormKey;
use crate::{App, assets};
use crate::{vocabulary, words};

/// Maximum highlights of a read on the shelf.
const ON_SHELF: usize = 3;
/// Maximum highlights of a read in the list of notes.
const IN_NOTES: usize = 20;
/// Maximum characters of a note that a list shows.
const NOTE_SHOWN: usize = 2_000;

const ORDERS: [(ShelfOrder, &str, &str); 3] = [
    (ShelfOrder::Kept, "kept", "kept last"),
    (ShelfOrder::Published, "published", "newest"),
    (ShelfOrder::Minutes, "minutes", "shortest"),
];

const GROUPINGS: [(ShelfBy, &str, &str); 4] = [
    (ShelfBy::Label, "label", "labels"),
    (ShelfBy::Concept, "concept", "concepts"),
    (ShelfBy::Company, "company", "companies"),
    (ShelfBy::Week, "week", "weeks"),
];

/// `?label=&concept=&source=&week=&sort=&by=&after=`, validated.
#[derive(Clone, Default)]
struct Asked {
    label: Option<Label>,
    concept: Option<ConceptSlug>,
    source: Option<Slug>,
    week: Option<Week>,
    order: ShelfOrder,
    by: Option<ShelfBy>,
    after: Option<OwnCursor>,
}

impl Asked {
    fn of(query: &HashMap<String, String>) -> Result<Self, Fault> {
        let given = |name: &str| query.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let bad = |error: &dyn std::fmt::Display| Fault::BadAddress(error.to_string());
        let order = |name: &str| {
            let known = ORDERS.iter().find(|(_, word, _)| *word == name).map(|(order, _, _)| *order);
            known.ok_or_else(|| Fault::BadAddress("“sort” is one of kept, published, minutes".to_owned()))
        };
        let by = |name: &str| {
            let known = GROUPINGS.iter().find(|(_, word, _)| *word == name).map(|(by, _, _)| *by);
            known.ok_or_else(|| Fault::BadAddress("“by” is one of label, concept, company, week".to_owned()))
        };
        let concept = |slug: &str| slug.parse().map_err(|_| Fault::NoSuchConcept(slug.to_owned()));
        Ok(Self {
            concept: given("concept").map(concept).transpose()?,
            by: given("by").map(by).transpose()?,
            label: given("label").map(str::parse).transpose().map_err(|e| bad(&e))?,
            source: given("source").map(Slug::of),
            week: given("week").map(str::parse).transpose().map_err(|e| bad(&e))?,
            order: given("sort").map(order).transpose()?.unwrap_or_default(),
            after: given("after").map(str::parse).transpose().map_err(|e| bad(&e))?,
        })
    }

    fn href(&self) -> String {
        let mut query = Serializer::new(String::new());
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        };
        add("label", self.label.as_ref().map(ToString::to_string));
        add("concept", self.concept.as_ref().map(ToString::to_string));
        add("source", self.source.as_ref().map(ToString::to_string));
        add("week", self.week.map(|week| week.to_string()));
        let sort =
            ORDERS.iter().find(|(order, _, _)| *order == self.order).map(|(_, word, _)| (*word).to_owned());
        add("sort", sort.filter(|_| self.order != ShelfOrder::Kept));
        let by =
            |by| GROUPINGS.iter().find(|(other, _, _)| *other == by).map(|(_, word, _)| (*word).to_owned());
        add("by", self.by.and_then(by));
        add("after", self.after.map(|after| after.to_string()));
        let query = query.finish();
        if query.is_empty() { "/shelf".to_owned() } else { format!("/shelf?{query}") }
    }

    fn restarted(&self) -> Self {
        Self { after: None, ..self.clone() }
    }

    fn is_narrow(&self) -> bool {
        self.label.is_some() || self.concept.is_some() || self.source.is_some() || self.week.is_some()
    }
}

/// Maximum articles that a browser stores for reading without a network.
const OFFLINE: u32 = 100;

/// `/offline.json`: the addresses that the service worker stores for this reader.
pub(crate) async fn offline(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    let reader = frame.required()?;
    let kept = app.store.kept_last(reader, None, OFFLINE).await?;
    let pages = kept.iter().map(|read| reads::href(&read.card)).chain(["/shelf".to_owned()]);
    let assets = ["backissue.css", "backissue.js", "icon.svg"].into_iter().chain(assets::FONTS);
    let list = json!({
        "reader": reader, "pages": pages.collect::<Vec<_>>(), "assets": assets.map(assets::address).collect::<Vec<_>>(),
    });
    Ok(not_stored(Json(list)))
}

/// `/shelf`
pub(crate) async fn shelf(
    frame: Frame,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Page, Fault> {
    let (reader, asked, store) = (frame.required()?, Asked::of(&query)?, &app.store);
    let source = match &asked.source {
        Some(slug) => match store.source_by_slug(slug.as_str()).await? {
            Some(source) => Some(source),
            None => return Err(Fault::no_such_source(store, slug.as_str()).await),
        },
        None => None,
    };
    let filter = ShelfFilter {
        label: asked.label.clone(),
        concept: asked.concept.clone(),
        source: source.as_ref().map(|source| source.id),
        week: asked.week,
    };
    let (groups, secret) = tokio::try_join!(store.shelf_groups(reader), store.shelf_secret(reader))?;
    let origin = feeds::origin(&app, &headers)?;
    let address = secret.and_then(|secret| origin.join(&format!("shelf/{secret}")).ok());
    let beside = groups_of(&groups, &asked);
    let (list, next) = match asked.by {
        Some(by) => {
            let grouped = store.shelf_by(reader, &filter, asked.order, by).await?;
            let cards = grouped.iter().flat_map(|group| &group.items).map(|own| &own.card);
            let marked = Marked::on(store, &frame, cards).await?;
            (sections(&frame, &grouped, by, &asked, &marked), None)
        }
        None => {
            let page = store.shelf(reader, &filter, asked.order, asked.after.as_ref(), PAGE).await?;
            let marked = Marked::on(store, &frame, page.items.iter().map(|own| &own.card)).await?;
            (list(&frame, &page, &marked), page.next)
        }
    };
    Ok(frame.page(Document {
        title: "Shelf".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Shelf" }
                p.tally { "What you keep. " a href="/notes" { "All notes" } " · " a href="/practise" { "Practise" } " · " a href="/searches" { "Saved searches" } }
                (sorts(&asked))
                (groupings(&asked))
            }
            (chips(&asked, source.as_ref()))
            @if list.0.is_empty() { (nothing(&asked)) } @else { (list) }
            (pager(next.map(|next| Asked { after: Some(next), ..asked.clone() }.href())))
            (feed(&frame, address.as_ref(), asked.label.as_ref()))
        },
        beside,
        beside_name: "what the shelf holds",
        ..Document::default()
    }))
}

fn list(frame: &Frame, page: &OwnPage, marked: &Marked) -> Markup {
    html! {
        @if !page.items.is_empty() {
            h2.unseen { "Kept reads" }
            ol.reads.kept {
                @for own in &page.items {
                    li { (reads::one(&own.card, frame.zone(), marked)) (written(own, ON_SHELF)) }
                }
            }
        }
    }
}

/// The shelf in groups. A read in several groups has its buttons, note and labels only in the first
/// one.
fn sections(frame: &Frame, groups: &[ShelfGroup], by: ShelfBy, asked: &Asked, marked: &Marked) -> Markup {
    let mut seen = HashSet::new();
    let none = Marked::default();
    html! {
        @for group in groups {
            section {
                h2.section { (group_name(group, by)) " " span.quiet { (words::count(group.reads, "read")) } }
                ol.reads.kept {
                    @for own in &group.items {
                        @let is_first = seen.insert(own.card.id);
                        li {
                            (reads::one(&own.card, frame.zone(), if is_first { marked } else { &none }))
                            @if is_first { (written(own, ON_SHELF)) }
                        }
                    }
                }
                @if group.reads > group.items.len() as u64 && let Some(all) = narrower(group, by, asked) {
                    p { a href=(all.href()) { "All " (words::number(group.reads)) span.unseen { " of " (group_name(group, by)) } } }
                }
            }
        }
    }
}

fn group_name(group: &ShelfGroup, by: ShelfBy) -> String {
    match (by, &group.name) {
        (ShelfBy::Concept, Some(slug)) => {
            slug.parse().map_or_else(|_| slug.clone(), |slug| vocabulary::name(&slug))
        }
        (ShelfBy::Week, Some(week)) => week.parse().map_or_else(|_| week.clone(), week_name),
        (ShelfBy::Company, Some(slug)) => {
            group.items.first().map_or_else(|| slug.clone(), |own| own.card.company.clone())
        }
        (_, Some(name)) => name.clone(),
        (ShelfBy::Concept, None) => "Without a concept".to_owned(),
        (_, None) => "Without a label".to_owned(),
    }
}

fn week_name(week: Week) -> String {
    format!("Week {} of {}", week.number(), week.year())
}

/// The address of the shelf with all reads of a group, without groups.
fn narrower(group: &ShelfGroup, by: ShelfBy, asked: &Asked) -> Option<Asked> {
    let name = group.name.as_ref()?;
    let all = Asked { by: None, ..asked.restarted() };
    Some(match by {
        ShelfBy::Label => Asked { label: name.parse().ok(), ..all },
        ShelfBy::Concept => Asked { concept: name.parse().ok(), ..all },
        ShelfBy::Company => Asked { source: Some(Slug::of(name)), ..all },
        ShelfBy::Week => Asked { week: name.parse().ok(), ..all },
    })
}

/// The reader's note, first highlights and labels of a read.
fn written(own: &Own, highlights: usize) -> Markup {
    html! {
        @if !own.note.text.is_empty() {
            @let shown = cut(own.note.text.as_str(), NOTE_SHOWN);
            div.written { (markdown::render(&shown)) }
            @if shown != own.note.text.as_str() {
                p.under { a href={ (reads::href(&own.card)) "#note" } { "The whole note" span.unseen { ": " (own.card.title) } } }
            }
        }
        (highlight::listed(own, highlights))
        @if !own.labels.is_empty() {
            ul.concepts.own-labels aria-label="Labels" {
                @for label in &own.labels { li { a href=(shelf_href(label)) { (label) } } }
            }
        }
    }
}

/// The secret address of the shelf's feed.
fn feed(frame: &Frame, address: Option<&Url>, label: Option<&Label>) -> Markup {
    let query =
        label.map(shelf_href).and_then(|href| href.split_once('?').map(|(_, query)| format!("?{query}")));
    let button = |act: &str, words: &str| html! { button name="do" value=(act) { (words) } };
    html! {
        section.own aria-labelledby="feed" {
            h2 #feed { "A feed of your shelf" }
            form method="post" action="/shelf/address" {
                (frame.form_fields())
                @match address {
                    None => {
                        p { "A feed reader can follow what you keep, without notes, highlights and labels. Everyone who knows the feed’s secret address can read it." }
                        p.acts { (button("new", "Make the feed")) }
                    }
                    Some(address) => {
                        p { "Everyone who knows these addresses can read what you keep, without notes, highlights and labels. A new address ends the old one." }
                        @for format in Format::ALL {
                            @let address = format!("{address}{}{}", format.ending(), query.as_deref().unwrap_or_default());
                            p { a.address href=(address) type=(format.media_type()) { (address) } }
                        }
                        p.acts { (button("new", "New address")) (button("remove", "Remove the feed")) }
                    }
                }
            }
        }
    }
}

/// `POST /shelf/address`: makes, renews or removes the secret address of the shelf's feed.
pub(crate) async fn change_address(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let secret = match form.field("do")? {
        "new" => Some(FormKey::new_secret()),
        "remove" => None,
        _ => return Err(Fault::BadForm("It does not say what to do".to_owned())),
    };
    app.store.set_shelf_secret(form.reader, secret.as_deref(), Timestamp::now()).await?;
    Ok(form.back(None, "feed"))
}

fn sorts(asked: &Asked) -> Markup {
    html! {
        nav.shows aria-label="Order of the shelf" {
            @for (order, _, name) in ORDERS {
                a href=(Asked { order, ..asked.restarted() }.href()) aria-current=[(asked.order == order).then_some("true")] { (name) }
            }
        }
    }
}

fn groupings(asked: &Asked) -> Markup {
    let link = |by: Option<ShelfBy>, name: &str| {
        let href = Asked { by, ..asked.restarted() }.href();
        html! { a href=(href) aria-current=[(asked.by == by).then_some("true")] { (name) } }
    };
    html! {
        nav.shows aria-label="Groups of the shelf" {
            (link(None, "one list"))
            @for (by, _, name) in GROUPINGS { (link(Some(by), &format!("by {name}"))) }
        }
    }
}

fn chips(asked: &Asked, source: Option<&Source>) -> Markup {
    let chip = |name: String, without: Asked| {
        html! { a.chip href=(without.href()) aria-label={ "Remove " (name) } { (name) " " (icons::AWAY) } }
    };
    html! {
        @if asked.is_narrow() {
            div.chips {
                @if let Some(label) = &asked.label { (chip(format!("Label: {label}"), Asked { label: None, ..asked.restarted() })) }
                @if let Some(concept) = &asked.concept { (chip(vocabulary::name(concept), Asked { concept: None, ..asked.restarted() })) }
                @if let Some(source) = source { (chip(source.company.clone(), Asked { source: None, ..asked.restarted() })) }
                @if let Some(week) = asked.week { (chip(week_name(week), Asked { week: None, ..asked.restarted() })) }
            }
        }
    }
}

fn groups_of(groups: &ShelfGroups, asked: &Asked) -> Option<Markup> {
    let line = |name: String, count: u64, narrower: Asked, current: bool| {
        html! {
            li { a href=(narrower.href()) aria-current=[current.then_some("true")] { span.name { (name) } span.count { (words::number(count)) } } }
        }
    };
    let group = |title: &str, lines: Vec<Markup>| {
        html! { @if !lines.is_empty() { section.facet { h2 { (title) } ul { @for line in lines { (line) } } } } }
    };
    let all = asked.restarted();
    let labels = groups.labels.iter().map(|(label, count)| {
        let narrower = Asked { label: Some(label.clone()), ..all.clone() };
        line(label.to_string(), *count, narrower, asked.label.as_ref() == Some(label))
    });
    let sources = groups.sources.iter().map(|(slug, company, count)| {
        let narrower = Asked { source: Some(slug.clone()), ..all.clone() };
        line(company.clone(), *count, narrower, asked.source.as_ref() == Some(slug))
    });
    let weeks = groups.weeks.iter().map(|(week, count)| {
        let narrower = Asked { week: Some(*week), ..all.clone() };
        line(week_name(*week), *count, narrower, asked.week == Some(*week))
    });
    let concepts = groups.concepts.iter().map(|(slug, count)| {
        let narrower = Asked { concept: Some(slug.clone()), ..all.clone() };
        line(vocabulary::name(slug), *count, narrower, asked.concept.as_ref() == Some(slug))
    });
    let (labels, concepts): (Vec<_>, Vec<_>) = (labels.collect(), concepts.collect());
    let (sources, weeks): (Vec<_>, Vec<_>) = (sources.collect(), weeks.collect());
    (!groups.sources.is_empty()).then(|| {
        html! { (group("By label", labels)) (group("By concept", concepts)) (group("By company", sources)) (group("By week", weeks)) }
    })
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.empty {
            @if asked.is_narrow() {
                p { "Nothing that you keep is that narrow." }
                p { a href="/shelf" { "Show all of the shelf" } }
            } @else {
                p { "You keep nothing yet. Press “Keep” on a read, or " kbd { "s" } " while it is chosen." }
                p { a href="/" { "The newest week" } }
            }
        }
    }
}

fn pager(next: Option<String>) -> Markup {
    html! {
        @if let Some(next) = next { nav.turn.list-end aria-label="Pages of this list" { a rel="next" href=(next) { "More →" } } }
    }
}

/// `/notes`
pub(crate) async fn notes(
    frame: Frame,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
) -> Result<Page, Fault> {
    let reader = frame.required()?;
    let after = Asked::of(&query)?.after;
    let words = query.get("q").map(|words| plain(words)).unwrap_or_default();
    let mut page = app.store.notes(reader, &words, after.as_ref(), PAGE).await?;
    for own in page.items.iter_mut().filter(|_| !words.is_empty()) {
        highlight::matching_first(&mut own.highlights, &words);
    }
    let marked = Marked::on(&app.store, &frame, page.items.iter().map(|own| &own.card)).await?;
    let next = page.next.map(|next| {
        let mut address = Serializer::new(String::new());
        if !words.is_empty() {
            address.append_pair("q", &words);
        }
        format!("/notes?{}", address.append_pair("after", &next.to_string()).finish())
    });
    Ok(frame.page(Document {
        title: "Notes".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Notes" }
                p.tally { "What you wrote and highlighted, what was changed last first. " a href="/shelf" { "The shelf" } }
                form.labels role="search" aria-label="Notes and highlights" action="/notes" {
                    label.unseen for="words" { "Words in your notes and highlights" }
                    input #words type="search" name="q" value=(words) placeholder="Words in your notes" autocomplete="off";
                    button { "Find" }
                }
            }
            @for own in &page.items { (noted(&frame, own, &marked)) }
            @if page.items.is_empty() {
                div.empty {
                    @if words.is_empty() { p { "You have written and highlighted nothing yet. A read’s own page has a place for a note, and selected text can be highlighted." } }
                    @else { p { "No note or highlight has all of these words." } p { a href="/notes" { "All notes" } } }
                }
            }
            (pager(next))
        },
        ..Document::default()
    }))
}

fn noted(frame: &Frame, own: &Own, marked: &Marked) -> Markup {
    let card = &own.card;
    html! {
        article.noted {
            h2 { a href={ (reads::href(card)) "#note" } data-read { (card.title) } }
            p.under {
                span.who { a href={ "/source/" (card.source_slug) } { (card.company) } }
                @if let Some(at) = own.highlights.iter().map(|highlight| highlight.changed_at).chain(own.note.changed_at).max() { (reads::dot()) "changed " time datetime=(at) { (words::date(at, frame.zone())) } }
            }
            (written(own, IN_NOTES))
            (marked.buttons(card))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shelf_filters_round_trip_through_the_address() {
        let query = [("label", "To  Read"), ("week", "2026-W20"), ("sort", "minutes"), ("after", "5.7")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(
            Asked::of(&query).unwrap().href(),
            "/shelf?label=to+read&week=2026-W20&sort=minutes&after=5.7"
        );
        let query = [("concept", "caching"), ("by", "company")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(Asked::of(&query).unwrap().href(), "/shelf?concept=caching&by=company");
        assert_eq!(Asked::default().href(), "/shelf");
        for (name, value) in
            [("sort", "length"), ("after", "x"), ("week", "lately"), ("label", "a,b"), ("by", "mood")]
        {
            assert!(Asked::of(&HashMap::from([(name.to_owned(), value.to_owned())])).is_err(), "{name}");
        }
    }
}
