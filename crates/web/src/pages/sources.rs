//! The followed blogs, `/sources`, with their health.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use backissue_model::{Source, Standing};
use backissue_store::{SavedWaiting, SourceFilter};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::feeds::origin;
use crate::frame::{Document, Frame, Page, Section};
use crate::parts::icons;
use crate::words;

/// Maximum saved pages that are listed as not shown yet.
const WAITING_SHOWN: u32 = 20;

/// `/sources`
pub(crate) async fn sources(
    frame: Frame,
    Query(query): Query<HashMap<String, String>>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Page, Fault> {
    let mut sources = app.store.sources(&SourceFilter::default()).await?;
    if frame.is_published() {
        // The source of saved pages is the readers' own.
        sources.retain(Source::has_address);
    }
    let saving = match frame.reader.filter(|_| frame.may_save) {
        Some(reader) => {
            let bookmarklet = bookmarklet(&app, &headers)?;
            let pages = app.store.saved_waiting(reader, WAITING_SHOWN).await?;
            html! { (save_form(&frame, query.contains_key("saved"), &bookmarklet)) (waiting(&pages)) }
        }
        None => html! {},
    };
    Ok(frame.page(document(&frame, &sources, &saving)))
}

/// A bookmark that opens `/save` for any page. It runs on the other page, to which the policy of
/// this site does not apply.
fn bookmarklet(app: &App, headers: &HeaderMap) -> Result<String, Fault> {
    let save =
        origin(app, headers)?.join("/save").map_err(|e| Fault::from_bug("no address to save at", &e))?;
    Ok(format!("javascript:location.href='{save}?url='+encodeURIComponent(location.href)"))
}

/// The reader's saved pages that are not shown yet, and why.
fn waiting(pages: &[SavedWaiting]) -> Markup {
    html! {
        @if !pages.is_empty() {
            section #waiting .own aria-labelledby="waiting-title" {
                h2 #waiting-title { "Saved, but not shown yet" }
                ul {
                    @for page in pages {
                        li {
                            a href=(page.url) rel="noopener noreferrer" { (page.url) }
                            @match (&page.error, page.is_given_up) {
                                (Some(error), true) => p.lost { "It could not be fetched: " (error) " Save it again to try once more, or open it there." },
                                (Some(error), false) => p.quiet { "It could not be fetched yet, and is tried again: " (error) },
                                (None, _) => p.quiet { "It is shown as soon as it is fetched." },
                            }
                        }
                    }
                }
            }
        }
    }
}

fn document(frame: &Frame, sources: &[Source], saving: &Markup) -> Document {
    let (troubled, others): (Vec<_>, Vec<_>) =
        sources.iter().partition(|source| !frame.is_published() && state(source) == Condition::Trouble);
    Document {
        title: "Sources".to_owned(),
        description: Some("The blogs this archive follows.".to_owned()),
        section: Some(Section::Sources),
        main: html! {
            div.head {
                h1 { "Sources" }
                p.standfirst {
                    @if frame.is_published() { (words::count(sources.len() as u64, "source")) "." }
                    @else { (at_a_glance(sources, troubled.len())) }
                }
            }
            (saving)
            @if !troubled.is_empty() {
                section aria-labelledby="troubled" {
                    h2 #troubled .section { "In trouble" }
                    (ledger(frame, &troubled))
                }
            }
            @if !others.is_empty() {
                section aria-labelledby="followed" {
                    h2 #followed .section { @if troubled.is_empty() { "Followed" } @else { "The others" } }
                    (ledger(frame, &others))
                }
            }
            @if sources.is_empty() {
                div.empty {
                    p { "Follow a blog by its address or its feed’s: " code { "backissue follow https://blog.example.com/" } }
                    @if frame.has_settings { p { a href="/settings#follow" { "Follow one here" } } }
                }
            }
        },
        ..Document::default()
    }
}

/// A field for the address of a page to save.
fn save_form(frame: &Frame, is_saved: bool, bookmarklet: &str) -> Markup {
    html! {
        form #save .labels method="post" action="/save" {
            (frame.form_fields_to("/sources"))
            label for="save-url" { "Save a page" }
            input #save-url name="url" inputmode="url" placeholder="Its address" autocomplete="off" required;
            button { "Save" }
            @if frame.has_accounts() { p.quiet { "Everybody who reads this archive sees a saved page, but not who saved it." } }
            @if is_saved { p role="status" { "Saved and kept. It is shown as soon as it is fetched." } }
        }
        p.quiet.bookmarklet {
            "To save from any page, drag this to your bookmarks: " a href=(bookmarklet) { "Save in Backissue" }
        }
    }
}

/// A source's health in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    /// The last poll succeeded.
    Well,
    /// The last poll failed.
    Trouble,
    /// It was not polled yet.
    NotAskedYet,
    /// Its server says that it is gone.
    Retired,
    /// It has neither a feed nor a list of articles.
    Waiting,
    /// It is not followed any more.
    Unfollowed,
    /// A person paused it.
    Paused,
}

pub(crate) fn state(source: &Source) -> Condition {
    let health = &source.health;
    match health.standing {
        _ if source.unfollowed_at.is_some() => Condition::Unfollowed,
        Standing::Retired => Condition::Retired,
        Standing::Waiting => Condition::Waiting,
        Standing::Paused => Condition::Paused,
        Standing::Active if health.last_error.is_some() => Condition::Trouble,
        Standing::Active if health.last_poll.is_none() => Condition::NotAskedYet,
        Standing::Active => Condition::Well,
    }
}

/// The state with its icon, for a list.
pub(crate) fn state_words(source: &Source, now: Timestamp, zone: &TimeZone) -> Markup {
    let asked = source.health.last_poll.map(|at| words::ago(at, now, zone));
    html! {
        @match state(source) {
            Condition::Well => span.state { (icons::WELL) span { "well, asked " (asked.unwrap_or_default()) } },
            Condition::Trouble => span.state.trouble {
                (icons::TROUBLE)
                span {
                    (failed(source.health.failures))
                    @if source.health.failures > 1 && let Some(since) = source.health.failing_since {
                        ", since " (words::date(since, zone))
                    }
                }
            },
            Condition::NotAskedYet => span.state.still { (icons::STILL) span { "not polled yet" } },
            Condition::Retired => span.state.still { (icons::STILL) span { "gone, by its server; kept, but not polled" } },
            Condition::Paused => span.state.still { (icons::STILL) span { "paused; its reads stay" } },
            Condition::Waiting => span.state.still { (icons::STILL) span { "has no feed and no list of articles; not polled" } },
            Condition::Unfollowed => span.state.still { (icons::STILL) span { "not followed any more; its reads stay" } },
        }
    }
}

fn failed(times: u32) -> String {
    match times {
        0 | 1 => "failed at its last poll".to_owned(),
        n => format!("failed {} times running", words::number(n.into())),
    }
}

fn at_a_glance(sources: &[Source], troubled: usize) -> String {
    let followed = words::count(sources.len() as u64, "source");
    let silent = sources
        .iter()
        .filter(|s| matches!(state(s), Condition::Retired | Condition::Waiting | Condition::Paused))
        .count();
    let mut said = match (sources.len(), troubled) {
        (0, _) => return "The archive follows no blog yet.".to_owned(),
        (1, 0) => "One source, and it is well.".to_owned(),
        (_, 0) if silent == 0 => format!("{followed}, all of them well."),
        (_, 0) => format!("{followed}, none of them in trouble."),
        (_, 1) => format!("{followed}, one of them in trouble."),
        (_, n) => format!("{followed}, {} of them in trouble.", words::number(n as u64)),
    };
    if silent > 0 {
        said.push_str(&format!(
            " {} not polled: gone, paused, or without a feed and a list.",
            if silent == 1 { "One is".to_owned() } else { format!("{} are", words::number(silent as u64)) }
        ));
    }
    said
}

/// The way to the form that renames, pauses and unfollows a source.
pub(crate) fn change_link(source: &Source) -> Markup {
    html! {
        a.change href={ "/settings/source/" (source.id.0) } rel="nofollow" { "Change" span.unseen { " " (source.title) } }
    }
}

fn ledger(frame: &Frame, sources: &[&Source]) -> Markup {
    let (now, zone) = (frame.now, frame.zone());
    html! {
        table.ledger {
            thead { tr { th scope="col" { "Source" } th.number scope="col" { "Reads" } th scope="col" { "Newest" } @if !frame.is_published() { th scope="col" { "Health" } } } }
            tbody {
                @for source in sources {
                    tr {
                        th.name scope="row" {
                            a href={ "/source/" (source.slug) } { (source.title) }
                            @if source.company != source.title { span.company { (source.company) } }
                            @if let Some(group) = &source.group { span.company { (group) } }
                            @if frame.has_settings { span.company { (change_link(source)) } }
                        }
                        td.number { (words::number(source.reads)) span.only-narrow { @if source.reads == 1 { " read" } @else { " reads" } } }
                        td.figure { @if let Some(newest) = source.newest { time datetime=(newest) { (words::date(newest, zone)) } } @else { "none yet" } }
                        @if !frame.is_published() {
                            td {
                                (state_words(source, now, zone))
                                @if let Some(error) = &source.health.last_error { span.why { (error) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
