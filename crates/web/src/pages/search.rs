//! `/search?q=…`: reads with this problem, best first, with evidence.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use backissue_search::{Answer, Asked, CANDIDATES, Coverage, Search, Typing};
use backissue_store::Store;
use maud::{Markup, PreEscaped, html};

use crate::App;
use crate::fault::Fault;
use crate::feed_links::Offered;
use crate::frame::{Document, Frame};
use crate::pages::searches;
use crate::parts::facets::narrowing as narrowing_of;
use crate::parts::marks::Marked;
use crate::parts::{found, search_box, search_facets};
use crate::question::{PAGE, Question, href};
use crate::words;

/// `/search`; with `part=results` only the part that depends on the question.
pub(crate) async fn search(
    frame: Frame,
    question: Question,
    State(app): State<App>,
    State(search): State<Search>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    if frame.is_published() {
        return Ok(frame.page(in_files()).into_response());
    }
    let asked = Asked {
        text: question.text.clone(),
        typing: if question.is_part { Typing::Going } else { Typing::Done },
        skip: (question.page - 1) * PAGE,
        limit: PAGE,
        reader: frame.reader,
        ..Asked::default()
    };
    let mut answer = if question.is_empty() { None } else { Some(search.find(&asked).await?) };
    if !frame.shows_articles {
        answer.iter_mut().flat_map(|answer| &mut answer.matches).for_each(|found| found.passage = None);
    }
    let found = answer.iter().flat_map(|answer| &answer.matches).map(|found| &found.read.card);
    let marked = Marked::on(&store, &frame, found).await?;
    let save = match &answer {
        Some(_) => searches::save_form(&app, &frame, &question.text).await?,
        None => html! {},
    };
    let document = document(&frame, &question, answer.as_ref(), &marked, &save);
    Ok(match question.is_part {
        true => frame.part(document).into_response(),
        false => frame.page(document).into_response(),
    })
}

fn document(
    frame: &Frame,
    question: &Question,
    answer: Option<&Answer>,
    marked: &Marked,
    save: &Markup,
) -> Document {
    let beside = answer.and_then(|answer| search_facets::facets(&answer.facets, &answer.query));
    Document {
        title: if question.is_empty() {
            "Search".to_owned()
        } else {
            format!("Search: {}", question.text.trim())
        },
        description: Some(
            "Search by problem: who else had this, what they did, and what shows it.".to_owned(),
        ),
        unlisted: !question.is_empty(),
        feed: Offered::of_question(&question.text),
        has_own_box: true,
        above: Some(search_box::large("/search", &question.text, true)),
        main: html! {
            @match answer {
                None => (help(frame.reader.is_some())),
                Some(answer) => {
                    (head(question, answer))
                    (notes(answer))
                    (still_missing(answer.missing))
                    (narrowing_of(beside.as_ref()))
                    (search_facets::chips(&answer.query))
                    @if answer.matches.is_empty() { (nothing(answer)) }
                    @else { (found::list(&answer.matches, &answer.marks, (question.page - 1) * PAGE + 1, frame.zone(), marked)) }
                    (pager(question, answer))
                    (save)
                }
            }
        },
        narrows: beside.is_some(),
        beside_name: "narrowing this list",
        ..Document::default()
    }
}

/// The search of a published site: the script finds reads in the index beside the page.
fn in_files() -> Document {
    Document {
        title: "Search".to_owned(),
        description: Some("Search by problem: who else had this, and what they did.".to_owned()),
        has_own_box: true,
        searches_files: true,
        above: Some(search_box::large("/search", "", false)),
        main: html! {
            div.head {
                h1 #found-title { "Search by problem" }
                // The script replaces it.
                p.standfirst #found-tally {
                    "The search runs in the browser and needs its script. "
                    a href="/concepts" { "The concepts" } " and " a href="/weeks" { "the weeks" } " lead to every read without it."
                }
            }
            ol #found .reads.found {}
        },
        ..Document::default()
    }
}

fn head(question: &Question, answer: &Answer) -> Markup {
    let most = CANDIDATES as u64;
    let has_words = answer.query.has_words();
    let title = match answer.total {
        0 if answer.missing.is_some() => "Nothing found yet".to_owned(),
        0 if has_words => "Nothing close enough".to_owned(),
        0 => "Nothing found".to_owned(),
        total if has_words && total >= most => format!("The {total} best reads"),
        total => words::count(total, "read"),
    };
    html! {
        div.head.answered {
            h1 data-answered=(title) { (title) }
            @if answer.total > 0 {
                p.tally {
                    @if has_words { "Best first" } @else { "Newest first" }
                    @if !has_words && answer.total > most { ", the newest " (most) }
                    @if question.page > 1 { ", page " (question.page) }
                    @if has_words {
                        ". " a href=(href("/prior-art", &question.text, 1)) rel="nofollow" { "As a table of prior art" }
                    }
                }
            }
        }
    }
}

/// Notes about a question that was not searched as typed.
fn notes(answer: &Answer) -> Markup {
    html! {
        @if !answer.corrections.is_empty() || !answer.query.notes().is_empty() || answer.words_only.is_some() {
            div.notes {
                @for correction in &answer.corrections {
                    p {
                        "Searched for "
                        @for (nth, word) in correction.instead.iter().enumerate() {
                            @if nth > 0 { @if nth + 1 == correction.instead.len() { " and " } @else { ", " } }
                            strong { (word) }
                        }
                        " too: “" (correction.typed) "” is hardly in the archive, or not at all."
                    }
                }
                @for note in answer.query.notes() { p { (note) } }
                (only_words(answer.words_only.as_deref()))
            }
        }
    }
}

/// Why the meaning was not searched. The server's own message may contain its address, so it is
/// only in the log.
pub(super) fn only_words(why: Option<&str>) -> Markup {
    if let Some(why) = why {
        tracing::warn!("only words were searched: {why}");
    }
    html! {
        @if why.is_some() {
            p { "Only words were searched: the embedding server does not answer. The log says why." }
        }
    }
}

pub(super) fn still_missing(missing: Option<Coverage>) -> Markup {
    html! {
        @if let Some(Coverage { indexed, reads }) = missing {
            div.notes {
                p { "The search index is being built: " (words::number(indexed)) " of " (words::number(reads)) " reads can be found so far." }
            }
        }
    }
}

fn nothing(answer: &Answer) -> Markup {
    let narrow = answer.query.filters().next().is_some();
    html! {
        div.empty {
            @if answer.total > 0 {
                p { "There are no more pages." }
            } @else if narrow {
                p { "Nothing is that narrow." }
                @if answer.query.has_words() {
                    p { a href=(crate::question::search(&answer.query.clone().without(|_, _| true))) rel="nofollow" { "Search without the filters" } }
                }
            } @else if answer.missing.is_some() {
                p { "Ask again in a moment." }
            } @else {
                p { "No read is about that in these words or in others." }
                ul {
                    li { "Say the problem in a sentence, as you would to a colleague: what breaks, for whom, and when." }
                    li { "Leave out names of your own systems, and quotation marks." }
                    li { "Or look through " a href="/concepts" { "the concepts" } " and " a href="/weeks" { "the weeks" } "." }
                }
            }
        }
    }
}

/// What can be searched, before the first question.
pub(super) fn help(has_reader: bool) -> Markup {
    let example =
        |query: &str| html! { dt { a href=(href("/search", query, 1)) rel="nofollow" { (query) } } };
    html! {
        div.head {
            h1 { "Search by problem" }
            p.standfirst { "Who else had this? Say it in your own words; reads that say it in others are found too." }
        }
        div.prose {
            dl.asked {
                (example("one customer's burst slows everyone down")) dd { "a problem as you would tell it" }
                (example("\"connection pool\"")) dd { "these words side by side" }
                (example("slow queries -mysql")) dd { "but without that word" }
                (example("kind:incident cache")) dd { "only reads of one kind; also " code { "company:" } ", " code { "concept:" } ", " code { "tech:" } ", " code { "source:" } " and, for whose words the problem is in, " code { "form:quoted" } ", " code { "form:written" } " or " code { "form:corrected" } }
                @if has_reader { (example("is:unread kind:incident")) dd { "what you did with reads: " code { "is:unread" } ", " code { "is:kept" } ", " code { "is:done" } ", " code { "is:noted" } ", " code { "is:hidden" } ", and your own labels with " code { "label:" } } }
                (example("after:2024 before:2025")) dd { "from a year, month, day or week on, and up to one; without words, the newest come first" }
            }
        }
    }
}

fn pager(question: &Question, answer: &Answer) -> Markup {
    let listed = usize::try_from(answer.total).unwrap_or(usize::MAX).min(CANDIDATES);
    let last = listed.div_ceil(PAGE).max(1);
    let page = |number: usize| href("/search", &question.text, number);
    html! {
        @if last > 1 || question.page > 1 {
            nav.turn.list-end aria-label="Pages of this list" {
                @if question.page > 1 { a rel="prev nofollow" href=(page((question.page - 1).min(last))) { "← Better ones" } }
                @if question.page < last { a.onward rel="next nofollow" href=(page(question.page + 1)) { "More →" } }
            }
        }
    }
}

/// `/opensearch.xml`: lets a browser's search field search this archive (OpenSearch 1.1, draft 6).
pub(crate) async fn description(State(app): State<App>, headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = match &app.site.base_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{host}"),
    };
    let described = html! {
        (PreEscaped(r#"<?xml version="1.0" encoding="UTF-8"?>"#))
        OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/" {
            ShortName { (app.site.title) }
            Description { "Engineering reads by the problem they solve" }
            InputEncoding { "UTF-8" }
            Url type="text/html" template={ (base) "/search?q={searchTerms}" } {}
        }
    };
    let kind = (CONTENT_TYPE, HeaderValue::from_static("application/opensearchdescription+xml"));
    ([kind, (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))], described.into_string())
        .into_response()
}
