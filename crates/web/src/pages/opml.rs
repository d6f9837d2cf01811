//! Lists of feeds (OPML), in and out: `/settings/opml`, `/settings/feeds.opml`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use backissue_model::Source;
use backissue_store::SourceFilter;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::forms::{FORM_MAX, Signed};
use crate::frame::{Document, Frame};
use crate::operating::operator;
use crate::operator::FeedList;
use crate::pages::login::{not_stored, refused};
use crate::words;

/// Maximum feeds of a list that a form brings.
const FEEDS_MAX: usize = 2000;

/// `/settings/feeds.opml`: the followed feeds for other programs.
pub(crate) async fn opml(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    frame.required()?;
    let sources = app.store.sources(&SourceFilter::default()).await?;
    let headers = [
        (CONTENT_TYPE, "text/x-opml; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"feeds.opml\""),
        (CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, operator(&app)?.opml_of(sources)).into_response())
}

/// The form that takes a list, with what was typed and why it was refused.
pub(crate) fn form(frame: &Frame, typed: &str, wrong: Option<&str>) -> Markup {
    let described = wrong.map(|_| "opml-wrong");
    html! {
        form.settle method="post" action="/settings/opml" enctype="multipart/form-data" {
            (frame.form_fields_to("/settings"))
            div.field {
                label for="opml-file" { "Follow all feeds of a list: its file" }
                input #opml-file type="file" name="file" accept=".opml,.xml,text/x-opml,text/xml,application/xml"
                    aria-describedby=[described];
            }
            div.field {
                label for="opml" { "Or its contents" }
                textarea #opml name="opml" rows="6" placeholder="<opml version=\"2.0\">"
                    aria-describedby=[described] aria-invalid=[described.map(|_| "true")] { "\n" (typed) }
                @if let Some(wrong) = wrong { p.wrong #opml-wrong role="alert" { (words::sentence(wrong)) } }
                p.quiet {
                    "At most " (words::number(FEEDS_MAX as u64)) " feeds and " (words::number(FORM_MAX as u64 / 1024)) " KiB. "
                    code { "backissue import FILE" } " takes larger ones."
                }
                div.row { button { "Follow them" } }
            }
        }
    }
}

/// What became of the feeds of a list.
#[derive(Default)]
struct Followed {
    new: Vec<Source>,
    known: Vec<Source>,
    /// What was left out and why, one sentence each.
    left_out: Vec<String>,
}

/// `POST /settings/opml`: follows the feeds of a list.
pub(crate) async fn follow_list(
    frame: Frame,
    State(app): State<App>,
    form: Result<Signed, Fault>,
) -> Result<Response, Fault> {
    let form = form.map_err(|fault| match fault {
        Fault::TooLarge(limit) => {
            Fault::TooLarge(format!("{limit}, and `backissue import FILE` takes larger lists"))
        }
        other => other,
    })?;
    let typed = form.field("opml").unwrap_or_default();
    let list = form.file().unwrap_or(typed.as_bytes());
    let FeedList { feeds, skipped } = match list_in(&app, list)? {
        Ok(list) => list,
        Err(why) => {
            let page = frame.page(document(&frame, typed, &why));
            return Ok(refused(not_stored(page), StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let operator = operator(&app)?;
    let mut followed = Followed { left_out: skipped, ..Followed::default() };
    for (source, group) in &feeds {
        let why_not = source.feed_url.as_ref().and_then(|url| operator.why_not_fetched(url));
        if let Some(why) = why_not {
            followed.left_out.push(format!("«{}» is not followed: {why}", source.title));
            continue;
        }
        let follow = app.store.follow_in_group(source, group.as_deref(), Timestamp::now()).await?;
        (if follow.is_new { &mut followed.new } else { &mut followed.known }).push(follow.source);
    }
    Ok(not_stored(frame.page(told(&followed))))
}

/// The feeds of a list, or why there are none.
fn list_in(app: &App, list: &[u8]) -> Result<Result<FeedList, String>, Fault> {
    if list.trim_ascii().is_empty() {
        return Ok(
            Err("there is no list; choose the file that another program exported, or paste it".into()),
        );
    }
    let found = operator(app)?.feeds_in(list);
    Ok(found.and_then(|list| match list.feeds.len() {
        0 => Err(match list.skipped.first() {
            Some(skipped) => format!("the list has no feed that can be followed: {skipped}"),
            None => "the list has no feeds; export it again".to_owned(),
        }),
        feeds if feeds > FEEDS_MAX => Err(format!(
            "the list has {} feeds, and a form takes {} at most; use `backissue import FILE`",
            words::number(feeds as u64),
            words::number(FEEDS_MAX as u64)
        )),
        _ => Ok(list),
    }))
}

/// The page of a list that was refused.
fn document(frame: &Frame, typed: &str, why: &str) -> Document {
    Document {
        title: "A list of feeds".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/settings" { "Settings" } }
                h1 { "A list of feeds" }
                p.standfirst { "Nothing was followed." }
            }
            (form(frame, typed, Some(why)))
        },
        ..Document::default()
    }
}

/// The page that tells what became of a list.
fn told(followed: &Followed) -> Document {
    let Followed { new, known, left_out } = followed;
    Document {
        title: "A list of feeds".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/settings" { "Settings" } }
                h1 { "A list of feeds" }
                p #done .standfirst role="status" {
                    "Following " (words::count(new.len() as u64, "new source")) "; "
                    (words::number(known.len() as u64)) " were followed already"
                    @if !left_out.is_empty() { ", " (words::number(left_out.len() as u64)) " left out" } "."
                    @if !new.is_empty() { " Their reads appear as they are fetched." }
                }
            }
            (sources("new", "New", new))
            (sources("known", "Followed already", known))
            @if !left_out.is_empty() {
                section aria-labelledby="left-out" {
                    h2 #left-out .section { "Left out" }
                    ul.aside { @for why in left_out { li { (words::sentence(why)) } } }
                }
            }
        },
        ..Document::default()
    }
}

fn sources(id: &str, title: &str, sources: &[Source]) -> Markup {
    html! {
        @if !sources.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) .section { (title) }
                ul.aside { @for source in sources { li { a href={ "/source/" (source.slug) } { (source.title) } } } }
            }
        }
    }
}
