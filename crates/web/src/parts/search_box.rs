//! The search box: small in the masthead, large on pages about its answer.

use maud::{Markup, html};

/// The label of the box.
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

/// The box above the answer to `question`. The script can show the answer of `path` while a person
/// types.
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
