//! Practising: `/practise`, its cards, and the forms that answer and rate them.
//!
//! The state of a session is in the address: its deck, the id of the last answer before it, and the
//! skipped reads. So it works without script, survives a reload, and leaves nothing to clean up.

use std::collections::{HashMap, HashSet};

use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use backissue_model::{
    CardAnswer, ConceptSlug, Deck, Form, NOTE_MAX, NoteText, Rated, Rating, ReadId, Statement,
};
use backissue_practise::{CSV_MAX, CsvCard, SESSION, csv, next_showing};
use backissue_store::{DeckCard, ReadCard, ReadPage, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use crate::App;
use crate::evidence;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame, Page, Section};
use crate::markdown;
use crate::pages::note::refused;
use crate::parts::marks::Marked;
use crate::parts::{reads, statements};
use crate::read_address::read_id;
use crate::{vocabulary, words};

/// Reads that an address can skip.
const SKIPPED_MAX: usize = 50;

/// `?from=shelf&label=&concept=&since=&skip=`, checked.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    deck: Deck,
    /// The number of the last answer before this session.
    since: Option<i64>,
    skipped: Vec<ReadId>,
}

impl Asked {
    fn of(query: &HashMap<String, String>) -> Result<Self, Fault> {
        let given = |name: &str| query.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let bad = |error: &dyn std::fmt::Display| Fault::BadAddress(error.to_string());
        let number = |text: &str| {
            let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
            number.ok_or_else(|| Fault::BadAddress(format!("`{text}` is no number of an answer or a read")))
        };
        let deck = match (given("label"), given("concept"), given("from")) {
            (Some(label), _, _) => Deck::Label(label.parse().map_err(|e| bad(&e))?),
            (_, Some(slug), _) => {
                Deck::Concept(slug.parse().map_err(|_| Fault::NoSuchConcept(slug.to_owned()))?)
            }
            (_, _, Some("shelf")) => Deck::Shelf,
            (_, _, None) => Deck::Everything,
            _ => return Err(Fault::BadAddress("“from” can be “shelf” alone".to_owned())),
        };
        let skipped = given("skip").map_or_else(
            || Ok(Vec::new()),
            |list| list.split('.').take(SKIPPED_MAX).map(|text| number(text).map(ReadId)).collect(),
        )?;
        Ok(Self { deck, since: given("since").map(number).transpose()?, skipped })
    }

    fn href(&self, path: &str) -> String {
        let mut query = Serializer::new(String::new());
        match &self.deck {
            Deck::Shelf => drop(query.append_pair("from", "shelf")),
            Deck::Label(label) => drop(query.append_pair("label", label.as_str())),
            Deck::Concept(slug) => drop(query.append_pair("concept", slug.as_str())),
            Deck::Everything => {}
        }
        if let Some(since) = self.since {
            query.append_pair("since", &since.to_string());
        }
        if !self.skipped.is_empty() {
            let list: Vec<String> = self.skipped.iter().map(ToString::to_string).collect();
            query.append_pair("skip", &list.join("."));
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The same session, in which this read is skipped. If there are too many skipped reads, the
    /// one that was skipped first returns.
    fn without(&self, read: ReadId) -> Self {
        let mut skipped = self.skipped.clone();
        skipped.push(read);
        let first = skipped.len().saturating_sub(SKIPPED_MAX);
        Self { skipped: skipped.split_off(first), ..self.clone() }
    }

    fn of_deck(deck: Deck) -> Self {
        Self { deck, ..Self::default() }
    }
}

/// The address of a deck's next card.
pub(crate) fn deck_href(deck: Deck) -> String {
    Asked::of_deck(deck).href(CARD)
}

const CARD: &str = "/practise/card";

fn deck_name(deck: &Deck) -> String {
    match deck {
        Deck::Shelf => "Your shelf".to_owned(),
        Deck::Label(label) => format!("Label “{label}”"),
        Deck::Concept(slug) => vocabulary::name(slug),
        Deck::Everything => "All of the archive".to_owned(),
    }
}

/// `/practise`
pub(crate) async fn choose(frame: Frame, State(app): State<App>) -> Result<Page, Fault> {
    let reader = frame.required()?;
    let (due, decks) = tokio::try_join!(app.store.due_cards(reader, frame.now), app.store.decks(reader))?;
    let concepts: Vec<&ConceptSlug> = decks.iter().filter_map(concept_of).collect();
    Ok(frame.page(Document {
        title: "Practise".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Practise" }
                p.standfirst {
                    "A problem from a read: write what you would do, then see what the team did. You say how well you knew it; that decides when it comes up again. "
                    "A session has " (words::count(SESSION as u64, "answer")) "."
                }
                p.tally {
                    @if due == 0 { "No card is due." } @else { (words::count(due, "card")) @if due == 1 { " is due." } @else { " are due." } }
                }
            }
            @if decks.is_empty() {
                div.empty { p { "There is no card yet. Each read whose problem and approach are likely enough becomes one." } }
            } @else {
                h2.section { "Practise with" }
                ul.decks {
                    @for deck in decks.iter().filter(|deck| concept_of(deck).is_none()) { (deck_line(deck)) }
                }
            }
            @if !concepts.is_empty() { (concept_form(&concepts)) }
            p.quiet.csv { "A CSV file holds at most " (words::number(CSV_MAX.into())) " cards. Anki imports it; importing a newer one updates the cards." }
        },
        ..Document::default()
    }))
}

fn deck_line(deck: &Deck) -> Markup {
    let asked = Asked::of_deck(deck.clone());
    let name = deck_name(deck);
    html! {
        li {
            a href=(asked.href(CARD)) { (name) }
            a.quiet href=(asked.href("/practise/cards.csv")) download { "CSV" span.unseen { " of the cards: " (name) } }
        }
    }
}

fn concept_of(deck: &Deck) -> Option<&ConceptSlug> {
    if let Deck::Concept(slug) = deck { Some(slug) } else { None }
}

/// A choice of these concepts, by name.
fn concept_form(concepts: &[&ConceptSlug]) -> Markup {
    let mut named: Vec<_> = concepts.iter().map(|slug| (vocabulary::name(slug), slug)).collect();
    named.sort_unstable();
    html! {
        form.labels action=(CARD) {
            label for="concept" { "A concept" }
            select #concept name="concept" {
                @for (name, slug) in named { option value=(slug) { (name) } }
            }
            button { "Practise" }
        }
    }
}

/// `/practise/card`: the next problem, or the end of the session.
pub(crate) async fn card(
    frame: Frame,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
) -> Result<Page, Fault> {
    let (reader, asked, store) = (frame.required()?, Asked::of(&query)?, &app.store);
    let since = match asked.since {
        Some(since) => since,
        None => store.last_answer(reader).await?,
    };
    let asked = Asked { since: Some(since), ..asked };
    let given = store.answers_after(reader, since).await?;
    let drawn = if given.len() < SESSION {
        store.draw(reader, &asked.deck, &asked.skipped, frame.now).await?
    } else {
        None
    };
    let Some(read) = drawn else {
        return Ok(frame.page(summary(&frame, store, &asked, &given).await?));
    };
    let page = store.read(read).await?.ok_or(Fault::NoSuchRead)?;
    Ok(frame.page(question(&frame, &page, &asked, given.len())?))
}

/// The line above a card. It does not have the title, which would reveal too much.
fn eyebrow(card: &ReadCard, asked: &Asked, nth: usize) -> Markup {
    html! {
        p.eyebrow {
            a href="/practise" { "Practise" } (reads::dot()) (deck_name(&asked.deck)) (reads::dot())
            span.figure { (nth) " of " (SESSION) } (reads::dot())
            (words::kind(card.kind)) ", " (card.company)
        }
    }
}

fn question(frame: &Frame, page: &ReadPage, asked: &Asked, given: usize) -> Result<Document, Fault> {
    let card = &page.card;
    let problem = page.precis.problem.as_ref().ok_or(Fault::NoSuchRead)?;
    Ok(Document {
        title: "Practise".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head.card {
                (eyebrow(card, asked, given + 1))
                h1 { (problem.form.said(&problem.text)) }
                (reads::concepts(&card.concepts))
            }
            section.own {
                form #answer-form method="post" action=(asked.href(&format!("/practise/reveal/{}", card.id))) {
                    (frame.form_fields_to(CARD))
                    label for="answer" { "What would you do?" }
                    // The first line break after the tag is not part of the text (HTML standard,
                    // section 13.1.2.5).
                    textarea #answer name="text" rows="8" maxlength=(NOTE_MAX) autofocus { "\n" }
                    div.row {
                        button { "Show what they did" }
                        a href=(asked.without(card.id).href(CARD)) { "Another problem" }
                        span.quiet { "Your answer is kept beside the read." }
                    }
                }
            }
        },
        ..Document::default()
    })
}

/// `POST /practise/reveal/{id}`: keeps the answer and shows what the team did.
pub(crate) async fn reveal(
    State(store): State<Store>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    form: Signed,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let asked = Asked::of(&query)?;
    let text: NoteText = form.field("text")?.parse().map_err(refused)?;
    let answer = store.answer_card(form.reader, read, &text, Timestamp::now()).await;
    let answer = answer.map_err(Fault::or(Fault::NoSuchRead))?;
    Ok(sent_to(asked.href(&format!("/practise/answer/{}", answer.id))))
}

/// `/practise/answer/{id}`: the answer beside what the team did.
pub(crate) async fn answer(
    frame: Frame,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
) -> Result<Page, Fault> {
    let (reader, asked, store) = (frame.required()?, Asked::of(&query)?, &app.store);
    let id = answer_id(&id)?;
    let own = store.card_answer(reader, id).await?.ok_or(Fault::NoSuchAnswer)?;
    let page = store.read(own.read).await?.ok_or(Fault::NoSuchRead)?;
    let others = store.card_answers(reader, own.read).await?;
    let given = match asked.since {
        Some(since) => store.answers_after(reader, since).await?.iter().filter(|other| other.id < id).count(),
        None => 0,
    };
    let marked = Marked::on(store, &frame, [&page.card]).await?;
    Ok(frame.page(revealed(&frame, &page, &asked, &Revealed { own, others, given, marked })))
}

/// What the page of an answer shows beside the read.
struct Revealed {
    own: CardAnswer,
    others: Vec<CardAnswer>,
    /// Rated answers of the session before this one.
    given: usize,
    marked: Marked,
}

fn revealed(frame: &Frame, page: &ReadPage, asked: &Asked, shown: &Revealed) -> Document {
    let (card, precis, own) = (&page.card, &page.precis, &shown.own);
    Document {
        title: "What they did".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head.card {
                (eyebrow(card, asked, shown.given + 1))
                @if let Some(problem) = &precis.problem { h1 { (problem.form.said(&problem.text)) } }
                @else { h1 { (card.title) } }
            }
            section.own {
                h2 { "Your answer" }
                @if own.text.is_empty() { p.quiet { "None this time." } }
                @else { div.written { (markdown::render(own.text.as_str())) } }
            }
            @for (name, statement) in [("approach", &precis.approach), ("outcome", &precis.outcome)] {
                @if let Some(statement) = statement { (told(card, name, statement)) }
            }
            p.byline { "From " a href=(reads::href(card)) { cite { (card.title) } } (reads::dot()) (card.company) }
            div.acts { (shown.marked.buttons(card)) }
            (rate(frame, asked, shown))
        },
        ..Document::default()
    }
}

/// A statement with its evidence, and links to it in the article. A quoted statement is its own
/// evidence.
fn told(card: &ReadCard, name: &str, statement: &Statement) -> Markup {
    html! {
        section.say.told {
            h2 { (statements::heading(name)) }
            p.said { (statement.form.said(&statement.text)) }
            @if statement.form != Form::Quoted {
                @for evidence in &statement.evidence { blockquote.passage { (evidence.quote) } }
            }
            p.backing {
                @for nth in 1..=statement.evidence.len() {
                    @if nth > 1 { ", " }
                    a href={ (reads::href(card)) "#" (evidence::id(name, nth)) } {
                        @if nth == 1 { "Where it says so" } @else { "and here" }
                        span.unseen { ": evidence for “" (statements::heading(name)) "”" }
                    }
                }
            }
        }
    }
}

/// The four ratings, each with the time when the card would be shown next.
fn rate(frame: &Frame, asked: &Asked, shown: &Revealed) -> Markup {
    let own = &shown.own;
    html! {
        section.own {
            h2 #rate { "How well did you know it?" }
            form.rate method="post" action={ "/practise/rate/" (own.id) } aria-labelledby="rate" {
                (frame.form_fields_to(&asked.href(CARD)))
                @for (rating, key) in Rating::ALL.into_iter().zip(1..) {
                    button name="rating" value=(rating) data-rate=(key) aria-keyshortcuts=(key)
                        aria-pressed=[own.rating.map(|given| if given == rating { "true" } else { "false" })] {
                        (rating.name()) " "
                        span.quiet { (showing(own, &shown.others, rating, frame)) }
                    }
                }
            }
        }
    }
}

fn showing(own: &CardAnswer, others: &[CardAnswer], rating: Rating, frame: &Frame) -> String {
    let rated = |other: &CardAnswer| Some(Rated { at: other.at, rating: other.rating? });
    let mut history: Vec<Rated> =
        others.iter().filter(|other| other.id != own.id).filter_map(rated).collect();
    history.push(Rated { at: own.at, rating });
    until(frame.now, next_showing(&history, frame.zone()), frame.zone())
}

/// The time from now until a card is due, in words. For a card that is due from the start of a day,
/// it is in days, even if that day starts in ten minutes.
fn until(now: Timestamp, due: Timestamp, zone: &TimeZone) -> String {
    let local = |at: Timestamp| at.to_zoned_datetime(zone.clone());
    let is_all_day = local(due).start_of_day().is_ok_and(|start| start.timestamp() == due);
    let days = local(now).date().until(local(due).date()).map_or(0, |span| span.get_days());
    match (due <= now, is_all_day) {
        (true, _) => "now".to_owned(),
        (_, true) => words::count(days.unsigned_abs().into(), "day"),
        (_, false) => words::length(due.duration_since(now)),
    }
}

/// `POST /practise/rate/{answer}`: records how well it was known.
pub(crate) async fn rate_answer(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let id = answer_id(&id)?;
    let rating =
        form.field("rating")?.parse::<Rating>().map_err(|error| Fault::BadForm(error.to_string()))?;
    let rated = store.rate_card(form.reader, id, rating, next_showing).await;
    rated.map_err(Fault::or(Fault::NoSuchAnswer))?;
    Ok(form.back(None, ""))
}

/// `POST /practise/remove/{answer}`: removes an answer.
pub(crate) async fn remove(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let removed = store.remove_answer(form.reader, answer_id(&id)?, next_showing).await;
    removed.map_err(Fault::or(Fault::NoSuchAnswer))?;
    Ok(form.back(None, "note"))
}

fn answer_id(id: &str) -> Result<i64, Fault> {
    id.parse().map_err(|_| Fault::NoSuchAnswer)
}

/// The end of a session, or of a deck.
async fn summary(
    frame: &Frame,
    store: &Store,
    asked: &Asked,
    given: &[CardAnswer],
) -> Result<Document, Fault> {
    let cards = store.cards(&given.iter().map(|answer| answer.read).collect::<Vec<_>>()).await?;
    let marked = Marked::on(store, frame, &cards).await?;
    let mut seen = HashSet::new();
    let cards: HashMap<ReadId, &ReadCard> = cards.iter().map(|card| (card.id, card)).collect();
    let is_whole = given.len() >= SESSION;
    let onward = Asked::of_deck(asked.deck.clone());
    Ok(Document {
        title: "Practise".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/practise" { "Practise" } (reads::dot()) (deck_name(&asked.deck)) }
                h1 {
                    @if is_whole { "That is a session" } @else if given.is_empty() { "Nothing to practise with now" }
                    @else { "That is all for now" }
                }
                @if !given.is_empty() { p.standfirst { (tally(given)) } }
            }
            @if given.is_empty() { (nothing(asked)) }
            @else {
                ul.decks {
                    @for answer in given {
                        @if let Some(card) = cards.get(&answer.read) {
                            li { a href={ (reads::href(card)) "#answers" } data-read { (card.title) } @if let Some(rating) = answer.rating { span.quiet { (rating.name()) } }
                                // A read that was answered twice has its buttons once.
                                @if seen.insert(card.id) { (marked.buttons(card)) }
                            }
                        }
                    }
                }
            }
            p.actions.list-end {
                @if is_whole { a href=(onward.href(CARD)) { "Another session" } }
                @if !asked.skipped.is_empty() { a href=(Asked { skipped: Vec::new(), ..asked.clone() }.href(CARD)) { "Show what was skipped" } }
                a href="/practise" { "Practise with something else" }
                a href="/shelf" { "The shelf" }
            }
        },
        ..Document::default()
    })
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        div.empty {
            @match &asked.deck {
                Deck::Shelf | Deck::Label(_) => p { "No read here has a card that is due or new. Keep reads whose problem and approach are told, and they come up." },
                Deck::Concept(_) | Deck::Everything => p { "No read here has a card that is due or new. Only reads whose problem and approach are likely enough come up." },
            }
        }
    }
}

/// The number of answers with each rating.
fn tally(given: &[CardAnswer]) -> String {
    let count = |rating: Rating| given.iter().filter(|answer| answer.rating == Some(rating)).count() as u64;
    let parts: Vec<String> = Rating::ALL
        .into_iter()
        .rev()
        .filter(|rating| count(*rating) > 0)
        .map(|rating| format!("{} {}", words::number(count(rating)), rating))
        .collect();
    format!("{}: {}.", words::count(given.len() as u64, "answer"), parts.join(", "))
}

/// `/practise/cards.csv`: the cards of a deck for Anki.
pub(crate) async fn cards(
    frame: Frame,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let (reader, asked) = (frame.required()?, Asked::of(&query)?);
    let cards = app.store.deck(reader, &asked.deck, CSV_MAX).await?;
    let file = csv(&cards.iter().map(csv_card).collect::<Vec<_>>());
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"backissue-cards.csv\""),
        (CACHE_CONTROL, "private, no-cache"),
    ];
    Ok((headers, file).into_response())
}

fn csv_card(of: &DeckCard) -> CsvCard {
    let said = |statement: &Option<Statement>| {
        statement.as_ref().map(|one| one.form.said(&one.text).into_owned()).unwrap_or_default()
    };
    let concepts = of.card.concepts.iter().map(ToString::to_string);
    CsvCard {
        url: of.card.url.to_string(),
        problem: said(&of.precis.problem),
        approach: said(&of.precis.approach),
        outcome: said(&of.precis.outcome),
        answer: of.answer.to_string(),
        article: format!("{}, {}", of.card.title, of.card.company),
        tags: of.labels.iter().map(ToString::to_string).chain(concepts).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_is_all_in_its_address() {
        let query = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        for (pairs, href) in [
            (&[][..], "/practise/card"),
            (&[("from", "shelf"), ("since", "7")], "/practise/card?from=shelf&since=7"),
            (&[("label", "To Read"), ("skip", "4.5")], "/practise/card?label=to+read&skip=4.5"),
            (&[("concept", "rate-limiting"), ("since", "0")], "/practise/card?concept=rate-limiting&since=0"),
        ] {
            assert_eq!(Asked::of(&query(pairs)).unwrap().href(CARD), href);
        }
        for wrong in
            [("from", "nowhere"), ("label", "a,b"), ("concept", "A B"), ("since", "-1"), ("skip", "1,x")]
        {
            assert!(Asked::of(&query(&[wrong])).is_err(), "{wrong:?}");
        }
        let mut asked = Asked::default();
        for read in 0..80 {
            asked = asked.without(ReadId(read));
        }
        assert_eq!((asked.skipped.len(), asked.skipped[0]), (SKIPPED_MAX, ReadId(30)));
    }

    #[test]
    fn time_until_a_showing_is_told_in_words() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = at("2026-05-13T23:00:00Z");
        for (due, words) in [
            ("2026-05-13T23:00:00Z", "now"),
            ("2026-05-13T23:10:00Z", "10 minutes"),
            ("2026-05-14T00:03:00Z", "1 hour"),
            ("2026-05-14T00:00:00Z", "1 day"),
            ("2026-05-24T00:00:00Z", "11 days"),
        ] {
            assert_eq!(until(now, at(due), &TimeZone::UTC), words);
        }
    }
}
