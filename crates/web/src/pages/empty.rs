//! The front page before the first read: what is in progress, or why nothing can be done.

use backissue_model::{Phase, Progress, Source};
use maud::{Markup, html};

use crate::frame::{Document, Section};
use crate::parts::band;
use crate::words;

/// The page of an archive without reads. `sources` are the followed ones.
pub(crate) fn document(progress: &Progress, sources: &[Source]) -> Document {
    let main = if progress.looks_offline() {
        away(progress)
    } else if sources.is_empty() {
        nothing_followed()
    } else if progress.phase == Phase::Idle {
        nothing_came(progress, sources)
    } else {
        on_their_way(progress, sources)
    };
    Document { section: Some(Section::Newest), main, unlisted: true, ..Document::default() }
}

/// The front page of a published site without reads.
pub(crate) fn in_files() -> Document {
    let main = html! {
        (head("No reads yet"))
        div.empty { p { "Nothing has been published here yet." } }
    };
    Document { section: Some(Section::Newest), main, ..Document::default() }
}

fn head(title: &str) -> Markup {
    html! { div.head { h1 { (title) } } }
}

fn on_their_way(progress: &Progress, sources: &[Source]) -> Markup {
    let said = band::words(progress);
    html! {
        (head("Fetching the first reads…"))
        div.empty data-first-reads {
            @if let Some(done) = said.as_ref().and_then(|words| words.done) {
                progress aria-label="Done so far" max="1" value=(done) {}
            }
            p {
                "The archive is new. It is asking " (words::count(sources.len() as u64, "blog")) " for what they have published, "
                "one request at a time and with a pause for each; the first reads appear within a minute or so."
            }
            p.needs-script { "This page shows them as soon as they are there." }
            p { a href="/" { "Look again" } " or see " a href="/sources" { "how the sources are doing" } "." }
        }
        (troubles("Sources that could not be polled so far", progress))
    }
}

fn away(progress: &Progress) -> Markup {
    html! {
        (head("The network seems to be away"))
        div.empty data-first-reads {
            p { "The archive has no reads yet, and none of its sources could be reached. It keeps trying." }
            p { "To look around without a network, stop it and start the demo: six invented companies’ blogs inside the program." }
            p { code { "backissue serve --demo" } }
        }
        (troubles("Source by source", progress))
    }
}

fn nothing_followed() -> Markup {
    html! {
        (head("The archive follows no blog yet"))
        div.empty {
            p { "Follow a blog by its address or its feed’s:" }
            p { code { "backissue follow https://blog.example.com/" } }
            p { "Or bring a list from another reader: " code { "backissue import FILE.opml" } }
        }
    }
}

fn nothing_came(progress: &Progress, sources: &[Source]) -> Markup {
    html! {
        (head("No reads yet"))
        div.empty data-first-reads {
            p {
                "The archive follows " (words::count(sources.len() as u64, "source")) ", and none of them had anything to read. "
                a href="/sources" { "How the sources are doing" }
            }
        }
        (troubles("Sources that could not be polled", progress))
    }
}

fn troubles(title: &str, progress: &Progress) -> Markup {
    html! {
        @if !progress.troubles.is_empty() {
            section.prose {
                h2 { (title) }
                dl {
                    @for trouble in &progress.troubles { dt { (trouble.source) } dd.quiet { (trouble.reason) } }
                }
            }
        }
    }
}
