//! The reader's shelf, `/shelf`, and notes, `/notes`.

use std::collections::HashMap;

use axum::extract::{Query, State};
use backissue_model::{Label, Slug, Source, Week};
use backissue_store::{Own, OwnCursor, OwnPage, ShelfFilter, ShelfGroups, ShelfOrder};
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use crate::App;
use crate::fault::Fault;
use crate::frame::{Document, Frame, Page, Section};
use crate::markdown;
use crate::pages::PAGE;
use crate::parts::marks::Marked;
use crate::parts::note::shelf_href;
use crate::parts::{icons, reads};
use crate::question::plain;
use crate::words;

const ORDERS: [(ShelfOrder, &str, &str); 3] = [
    (ShelfOrder::Kept, "kept", "kept last"),
    (ShelfOrder::Published, "published", "newest"),
    (ShelfOrder::Minutes, "minutes", "shortest"),
];

/// `?label=&source=&week=&sort=&after=`, validated.
#[derive(Clone, Default)]
struct Asked {
    label: Option<Label>,
    source: Option<Slug>,
    week: Option<Week>,
    order: ShelfOrder,
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
        Ok(Self {
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
        add("source", self.source.as_ref().map(ToString::to_string));
        add("week", self.week.map(|week| week.to_string()));
        let sort =
            ORDERS.iter().find(|(order, _, _)| *order == self.order).map(|(_, word, _)| (*word).to_owned());
        add("sort", sort.filter(|_| self.order != ShelfOrder::Kept));
        add("after", self.after.map(|after| after.to_string()));
        let query = query.finish();
        if query.is_empty() { "/shelf".to_owned() } else { format!("/shelf?{query}") }
    }

    fn restarted(&self) -> Self {
        Self { after: None, ..self.clone() }
    }

    fn is_narrow(&self) -> bool {
        self.label.is_some() || self.source.is_some() || self.week.is_some()
    }
}

/// `/shelf`
pub(crate) async fn shelf(
    frame: Frame,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
) -> Result<Page, Fault> {
    let (reader, asked, store) = (app.readers.required()?, Asked::of(&query)?, &app.store);
    let source = match &asked.source {
        Some(slug) => match store.source_by_slug(slug.as_str()).await? {
            Some(source) => Some(source),
            None => return Err(Fault::no_such_source(store, slug.as_str()).await),
        },
        None => None,
    };
    let filter = ShelfFilter {
        label: asked.label.clone(),
        source: source.as_ref().map(|source| source.id),
        week: asked.week,
    };
    let (page, groups) = tokio::try_join!(
        store.shelf(reader, &filter, asked.order, asked.after.as_ref(), PAGE),
        store.shelf_groups(reader)
    )?;
    let marked = Marked::on(store, &frame, page.items.iter().map(|own| &own.card)).await?;
    let beside = groups_of(&groups, &asked);
    Ok(frame.page(Document {
        title: "Shelf".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Shelf" }
                p.tally { "What you keep. " a href="/notes" { "All notes" } " " a href="/practise" { "Practise" } }
                (sorts(&asked))
            }
            (chips(&asked, source.as_ref()))
            @if page.items.is_empty() { (nothing(&asked)) }
            @else { (list(&frame, &page, &marked)) }
            (pager(page.next.map(|next| Asked { after: Some(next), ..asked.clone() }.href())))
        },
        beside,
        beside_name: "what the shelf holds",
        ..Document::default()
    }))
}

fn list(frame: &Frame, page: &OwnPage, marked: &Marked) -> Markup {
    html! {
        h2.unseen { "Kept reads" }
        ol.reads.kept {
            @for own in &page.items {
                li { (reads::one(&own.card, frame.zone(), marked)) (written(own)) }
            }
        }
    }
}

/// The reader's note and labels of a read.
fn written(own: &Own) -> Markup {
    html! {
        @if !own.note.text.is_empty() { div.written { (markdown::render(own.note.text.as_str())) } }
        @if !own.labels.is_empty() {
            ul.concepts.own-labels aria-label="Labels" {
                @for label in &own.labels { li { a href=(shelf_href(label)) { (label) } } }
            }
        }
    }
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

fn chips(asked: &Asked, source: Option<&Source>) -> Markup {
    let chip = |name: String, without: Asked| {
        html! { a.chip href=(without.href()) aria-label={ "Remove " (name) } { (name) " " (icons::AWAY) } }
    };
    html! {
        @if asked.is_narrow() {
            div.chips {
                @if let Some(label) = &asked.label { (chip(format!("Label: {label}"), Asked { label: None, ..asked.restarted() })) }
                @if let Some(source) = source { (chip(source.company.clone(), Asked { source: None, ..asked.restarted() })) }
                @if let Some(week) = asked.week { (chip(format!("Week {} of {}", week.number(), week.year()), Asked { week: None, ..asked.restarted() })) }
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
        line(
            format!("Week {} of {}", week.number(), week.year()),
            *count,
            narrower,
            asked.week == Some(*week),
        )
    });
    let (labels, sources, weeks): (Vec<_>, Vec<_>, Vec<_>) =
        (labels.collect(), sources.collect(), weeks.collect());
    (!groups.sources.is_empty()).then(|| {
        html! { (group("By label", labels)) (group("By company", sources)) (group("By week", weeks)) }
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
    let reader = app.readers.required()?;
    let after = Asked::of(&query)?.after;
    let words = query.get("q").map(|words| plain(words)).unwrap_or_default();
    let page = app.store.notes(reader, &words, after.as_ref(), PAGE).await?;
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
                p.tally { "What you wrote, what was changed last first. " a href="/shelf" { "The shelf" } }
                form.labels role="search" action="/notes" {
                    label.unseen for="words" { "Words in your notes" }
                    input #words type="search" name="q" value=(words) placeholder="Words in your notes" autocomplete="off";
                    button { "Find" }
                }
            }
            @for own in &page.items { (noted(&frame, own)) }
            @if page.items.is_empty() {
                div.empty {
                    @if words.is_empty() { p { "You have written no note yet. A read’s own page has a place for one." } }
                    @else { p { "No note has all of these words." } p { a href="/notes" { "All notes" } } }
                }
            }
            (pager(next))
        },
        ..Document::default()
    }))
}

fn noted(frame: &Frame, own: &Own) -> Markup {
    let card = &own.card;
    html! {
        article.noted {
            h2 { a href={ (reads::href(card)) "#note" } data-read { (card.title) } }
            p.under {
                span.who { a href={ "/source/" (card.source_slug) } { (card.company) } }
                @if let Some(at) = own.note.changed_at { (reads::dot()) "changed " time datetime=(at) { (words::date(at, frame.zone())) } }
            }
            (written(own))
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
        assert_eq!(Asked::default().href(), "/shelf");
        for (name, value) in [("sort", "length"), ("after", "x"), ("week", "lately"), ("label", "a,b")] {
            assert!(Asked::of(&HashMap::from([(name.to_owned(), value.to_owned())])).is_err(), "{name}");
        }
    }
}
