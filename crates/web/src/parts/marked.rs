//! Texts with a question's words marked.

use std::ops::Range;

use backissue_search::{Marks, highlights};
use maud::{Markup, html};

/// `text` with a question's words marked.
pub(crate) fn marked(text: &str, marks: &Marks) -> Markup {
    at(text, &highlights(text, marks))
}

/// `text` with these byte ranges marked, which are in order and do not overlap.
pub(crate) fn at(text: &str, places: &[Range<usize>]) -> Markup {
    let begins = std::iter::once(0).chain(places.iter().map(|place| place.end));
    let ends = places.iter().map(|place| place.start).chain([text.len()]);
    let between: Vec<&str> =
        begins.zip(ends).map(|(from, to)| text.get(from..to).unwrap_or_default()).collect();
    html! {
        @for (nth, before) in between.iter().enumerate() {
            (before)
            @if let Some(place) = places.get(nth) { mark { (text.get(place.clone()).unwrap_or_default()) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_text_stays_text() {
        assert_eq!(at("a <b> c", &[0..1, 2..5]).into_string(), "<mark>a</mark> <mark>&lt;b&gt;</mark> c");
        assert_eq!(at("<i>", &[]).into_string(), "&lt;i&gt;");
        assert_eq!(at("ab", std::slice::from_ref(&(0..2))).into_string(), "<mark>ab</mark>");
    }
}
