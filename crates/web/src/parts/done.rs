//! The reader's last action, with a button to undo it.

use backissue_model::{Mark, ReaderId};
use backissue_store::{Action, Store};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::words;

/// The prefix of the id of a removed highlight, at places where the id of an action is expected.
pub(crate) const HIGHLIGHT: char = 'h';

/// The prefix of the id of an added highlight, at such places.
pub(crate) const ADDED: char = 'a';

/// The reader's last action, if it can be undone.
pub(crate) enum Done {
    /// Marked reads.
    Marked(Action),
    /// Added this highlight.
    Highlighted(i64),
    /// Removed this highlight.
    Unhighlighted(i64),
}

impl Done {
    /// The action that the address of a page names, if it can still be undone.
    pub(crate) async fn named(store: &Store, reader: ReaderId, name: &str) -> Result<Option<Self>, Fault> {
        let Some((prefix, number)) = prefix_and_number(name) else { return Ok(None) };
        match prefix {
            Some(ADDED) => {
                Ok(store.has_highlight(reader, number).await?.then_some(Self::Highlighted(number)))
            }
            Some(_) => {
                let is_removed = store.is_removed_highlight(reader, number).await?;
                Ok(is_removed.then_some(Self::Unhighlighted(number)))
            }
            None => Ok(store.action(reader, number).await?.map(Self::Marked)),
        }
    }

    /// The message about the action, with a button to undo it.
    pub(crate) fn notice(&self) -> Markup {
        match self {
            Self::Marked(action) => notice(action),
            Self::Highlighted(highlight) => of_highlight("Highlighted.", ADDED, *highlight),
            Self::Unhighlighted(highlight) => {
                of_highlight("The highlight was removed.", HIGHLIGHT, *highlight)
            }
        }
    }
}

/// The prefix of the name of an action, [`HIGHLIGHT`] or [`ADDED`] if it has one, and its number.
pub(crate) fn prefix_and_number(name: &str) -> Option<(Option<char>, i64)> {
    let prefix = name.chars().next().filter(|sign| [HIGHLIGHT, ADDED].contains(sign));
    let number = prefix.map_or(name, |sign| &name[sign.len_utf8()..]);
    Some((prefix, number.parse().ok()?))
}

/// The message about a highlight, with a button to undo it.
fn of_highlight(said: &str, prefix: char, highlight: i64) -> Markup {
    html! {
        span { (said) } " "
        // The article has to be shown again.
        button form="marks" formaction="/undo" name="undo" value={ (prefix) (highlight) } data-whole aria-keyshortcuts="u" { "Undo" }
    }
}

/// The message about an action, with a button to undo it if it changed anything.
pub(crate) fn notice(action: &Action) -> Markup {
    html! {
        span { (done(action)) }
        @if !action.reads.is_empty() {
            " "
            button form="marks" formaction="/undo" name="undo" value=(action.id) aria-keyshortcuts="u" { "Undo" }
        }
    }
}

/// The message about an action that was undone.
pub(crate) fn undone(action: &Action) -> &'static str {
    match (action.mark, action.set) {
        (Mark::Keep, true) => "not kept.",
        (Mark::Keep, false) => "kept again.",
        (Mark::Done, true) => "unread again.",
        (Mark::Done, false) => "done again.",
        (Mark::Hide, true) => "in sight again.",
        (Mark::Hide, false) => "hidden again.",
    }
}

fn done(action: &Action) -> String {
    let many = action.reads.len() as u64;
    match (action.mark, action.set) {
        (Mark::Done, true) if many != 1 => format!("{} marked as done.", words::count(many, "read")),
        (Mark::Keep, true) => "Kept.".to_owned(),
        (Mark::Keep, false) => "No longer kept.".to_owned(),
        (Mark::Done, true) => "Done.".to_owned(),
        (Mark::Done, false) => "Unread again.".to_owned(),
        (Mark::Hide, true) => "Hidden.".to_owned(),
        (Mark::Hide, false) => "In sight again.".to_owned(),
    }
}
