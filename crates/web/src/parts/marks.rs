//! The reader's marks on a page's reads: the buttons that show and change them.
//!
//! All buttons of a page belong to one form in [`crate::frame`]. They work without script. With
//! script, the response replaces the changed parts.

use std::collections::HashMap;

use backissue_model::{Mark, Marks, ReadId, SavedQuestion, SearchName};
use backissue_store::{ReadCard, Store};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::frame::Frame;
use crate::parts::icons;
use crate::question::href;
use crate::read_address;

/// The reader's marks on a page's reads, and the saved searches that these answer. Without a reader
/// there are no marks and no buttons.
#[derive(Default)]
pub(crate) struct Marked(Option<Own>);

/// The data of one reader about a page's reads.
struct Own {
    marks: HashMap<ReadId, Marks>,
    answers: HashMap<ReadId, Vec<(SearchName, SavedQuestion)>>,
}

impl Marked {
    /// The marks on these reads.
    pub(crate) async fn on<'c>(
        store: &Store,
        frame: &Frame,
        cards: impl IntoIterator<Item = &'c ReadCard>,
    ) -> Result<Self, Fault> {
        let Some(reader) = frame.reader else { return Ok(Self(None)) };
        let reads: Vec<ReadId> = cards.into_iter().map(|card| card.id).collect();
        let (marks, answers) =
            tokio::try_join!(store.marks(reader, &reads), store.answered_by(reader, &reads))?;
        Ok(Self(Some(Own { marks, answers })))
    }

    /// The buttons of a read.
    pub(crate) fn buttons(&self, card: &ReadCard) -> Markup {
        self.buttons_at(card, Some(place(card)))
    }

    /// The buttons of a read that the page lists in another place too. The browser returns to the
    /// buttons there.
    pub(crate) fn more_buttons(&self, card: &ReadCard) -> Markup {
        self.buttons_at(card, None)
    }

    fn buttons_at(&self, card: &ReadCard, place: Option<String>) -> Markup {
        let Some(own) = &self.0 else { return html! {} };
        buttons_at(card, &own.marks.get(&card.id).copied().unwrap_or_default(), place)
    }

    /// The saved searches to which a read is a new answer.
    pub(crate) fn answers(&self, card: &ReadCard) -> Markup {
        let answers = self.0.as_ref().and_then(|own| own.answers.get(&card.id));
        html! {
            @if let Some(answers) = answers {
                span.why.answers {
                    "Answers "
                    @for (nth, (name, question)) in answers.iter().enumerate() {
                        @if nth > 0 { ", " }
                        a href=(href("/search", question.as_str(), 1)) rel="nofollow" { em { (name) } }
                    }
                }
            }
        }
    }
}

/// The buttons of a read.
pub(crate) fn buttons(card: &ReadCard, marks: &Marks) -> Markup {
    buttons_at(card, marks, Some(place(card)))
}

/// The element to which the browser returns.
fn place(card: &ReadCard) -> String {
    format!("m{}", card.id)
}

fn buttons_at(card: &ReadCard, marks: &Marks, place: Option<String>) -> Markup {
    let (id, title) = (card.id, &card.title);
    let has = |mark: Mark| mark.of(marks).is_some();
    let states: Vec<&str> = Mark::ALL.into_iter().filter(|mark| has(*mark)).map(Mark::as_str).collect();
    html! {
        span.marks id=[place] data-of=(id) data-marks=(states.join(" ")) {
            @for mark in Mark::ALL { (button(id, mark, has(mark), title)) }
            a href={ (read_address::href(card)) "#note" } data-mark="note" aria-keyshortcuts="n" class=[marks.noted.then_some("noted")]
                aria-label={ @if marks.noted { "Note: " } @else { "Write a note: " } (title) } { (icons::NOTE) "Note" }
        }
    }
}

fn button(id: ReadId, mark: Mark, set: bool, title: &str) -> Markup {
    let (name, key, icon) = match mark {
        Mark::Keep => ("Keep", "s", icons::KEEP),
        Mark::Done => ("Done", "e", icons::DONE),
        Mark::Hide => (if set { "Show again" } else { "Hide" }, "x", icons::HIDE),
    };
    // The name of the last button contains its state.
    let pressed = (mark != Mark::Hide).then_some(if set { "true" } else { "false" });
    let value = format!("{}{mark} {id}", if set { "not-" } else { "" });
    html! {
        button form="marks" name="do" value=(value) data-mark=(mark) aria-pressed=[pressed]
            aria-label={ (name) ": " (title) } aria-keyshortcuts=(key) { (icon) (name) }
    }
}
