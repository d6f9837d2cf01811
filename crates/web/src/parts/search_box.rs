//! The box that a problem is typed into: small in every page's masthead, large where the page is about its answer.

use maud::{Markup, html};

/// What the box asks for.
const ASKS: &str = "Search by problem";

/// The box in the masthead.
pub(crate) fn small() -> Markup {
    html! {
        form.find action="/search" role="search" {
            label.unseen for="q" { (ASKS) }
            input #q type="search" name="q" placeholder=(ASKS) autocomplete="off" enterkeyhint="search" aria-keyshortcuts="/";
        }
    }
}

/// The box above the answer to `question`. While somebody types, the script shows what `path` answers, where it can.
pub(crate) fn large(path: &str, question: &str, shows_while_typing: bool) -> Markup {
    html! {
        form.ask action=(path) role="search" data-answers[shows_while_typing] {
            label for="q" { "A problem, in your own words" }
            div.row {
                input #q type="search" name="q" value=(question) autocomplete="off" enterkeyhint="search" aria-keyshortcuts="/";
                button { "Search" }
            }
            p #answered .unseen role="status" {}
        }
    }
}
