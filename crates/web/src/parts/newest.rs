//! The masthead's line about the newest week.

use backissue_model::Week;
use backissue_store::ReaderCount;
use maud::{Markup, html};

use crate::words;

/// What the newest week has for the reader.
pub(crate) fn line(week: Week, counted: &ReaderCount) -> Markup {
    html! {
        p #newest .newest {
            a href={ "/week/" (week) } { "Week " (week.number()) } ": "
            (words::number(counted.reads)) " new, " (words::left_to_read(counted))
        }
    }
}
