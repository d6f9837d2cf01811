//! Reads as items: `stream/contents`, `stream/items/ids`, `stream/items/contents`, and as Atom.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use backissue_digest::feed::{self, Channel, Ids, State as ItemState, atom};
use backissue_digest::{Site, html};
use backissue_model::ReadId;
use backissue_store::{Mine, Stream, StreamFilter, StreamItem};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cursors::{open, seal};
use crate::fault::Fault;
use crate::feeds::origin;
use crate::greader::asked::{Asked, data, stream};
use crate::greader::ids::{self, READ, READING_LIST, STARRED, item, state_of, tag};
use crate::images::{Images, Showing};
use crate::programs::Program;
use crate::readers::Visitor;
use crate::{App, article, documents, vocabulary};

/// Default number of items in a list.
const USUAL: u32 = 20;
/// Maximum items with their content.
const CONTENTS_MAX: u32 = 100;
/// Maximum items that are requested by their ids.
const THESE_MAX: usize = 500;
/// Maximum ids.
pub(crate) const IDS_MAX: u32 = 10_000;

/// A part of a stream: a position and a number of items.
struct Part {
    /// The identifier of the list to which continuations belong. It leaves out times, because apps
    /// compute them again for each part.
    list: String,
    filter: StreamFilter,
    after: Option<ReadId>,
    oldest_first: bool,
    limit: u32,
}

impl Part {
    /// What an app asks for: `n` items of a stream after the continuation `c`, without `xt`, with
    /// `it`, seen first from `ot` to `nt`, the oldest first with `r=o`.
    fn of(asked: &Asked, stream: Stream, most: u32) -> Result<Self, Fault> {
        let wrong = |name: &str, what: &str| Fault::BadAddress(format!("“{name}” is {what}"));
        let limit = match asked.one("n") {
            None => USUAL.min(most),
            // A number that is too large for us is a number all the same.
            Some(n) if !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()) => {
                n.parse().unwrap_or(u32::MAX).min(most)
            }
            Some(_) => return Err(wrong("n", "no number of items")),
        };
        let time = |name: &str| {
            let seconds = asked.one(name).map(|text| {
                let time = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
                time.ok_or_else(|| wrong(name, "no number of seconds since 1970"))
            });
            seconds.transpose()
        };
        let mut filter =
            StreamFilter { since: time("ot")?, until: time("nt")?, ..StreamFilter::all_of(stream) };
        for but in asked.all("xt").filter(|but| !but.is_empty()) {
            match state_of(but) {
                Some(Mine::Done) => filter.only.push(Mine::Unread),
                Some(Mine::Unread) => filter.only.push(Mine::Done),
                Some(Mine::Kept) => filter.not_kept = true,
                _ => {
                    return Err(wrong(
                        "xt",
                        "no state that can be left out; it is read, kept-unread or starred",
                    ));
                }
            }
        }
        for only in asked.all("it").filter(|only| !only.is_empty()) {
            let mine = state_of(only);
            filter
                .only
                .push(mine.ok_or_else(|| wrong("it", "no state; it is read, kept-unread or starred"))?);
        }
        let oldest_first = asked.one("r") == Some("o");
        let StreamFilter { stream, only, not_kept, .. } = &filter;
        let list = format!("stream {stream:?} {only:?} {not_kept} {oldest_first}");
        let after = asked.one("c").map(|c| {
            let place = open(&list, c)?;
            place.parse().map(ReadId).map_err(|_| Fault::ForeignCursor)
        });
        Ok(Self { after: after.transpose()?, list, filter, oldest_first, limit })
    }

    /// The reads of this part, and the continuation if there are more.
    async fn reads(&self, app: &App, program: Program) -> Result<(Vec<ReadId>, Option<String>), Fault> {
        let limit = self.limit + 1;
        let found = app.store.stream(program.reader, &self.filter, self.after, self.oldest_first, limit);
        let mut reads = found.await?;
        let has_more = reads.len() > self.limit as usize;
        reads.truncate(self.limit as usize);
        let next = reads.last().filter(|_| has_more).map(|last| seal(&self.list, &last.to_string()));
        Ok((reads, next))
    }
}

/// What the archive says of a read, then its article if this visitor may see it.
pub(crate) fn content(app: &App, visitor: Visitor, site: &Site, known: &StreamItem) -> String {
    let said = html::read(&known.read, site);
    if !visitor.sees_articles(app) {
        return said;
    }
    // An app asks the publishers' servers for images only if the pages would.
    let images = match app.images {
        Images::Load => Showing::Direct,
        Images::Click | Images::Cache(_) => Showing::AtSource,
    };
    let article = article::for_display(&known.html, &known.read.card.url, &[], &images);
    format!("{said}<hr>{}", article.html.into_string())
}

fn as_item(app: &App, visitor: Visitor, site: &Site, known: &StreamItem) -> Value {
    let card = &known.read.card;
    let states = [(known.marks.done, READ), (known.marks.kept, STARRED)];
    let states = states.into_iter().filter(|(since, _)| since.is_some()).map(|(_, state)| state.to_owned());
    let concepts = card.concepts.iter().map(|slug| tag(&vocabulary::name(slug)));
    let labels = known.labels.iter().map(|label| tag(label.as_str()));
    let categories: Vec<String> =
        [READING_LIST.to_owned()].into_iter().chain(states).chain(labels).chain(concepts).collect();
    json!({
        "id": item(card.id),
        "crawlTimeMsec": card.first_seen.as_millisecond().to_string(),
        "timestampUsec": card.first_seen.as_microsecond().to_string(),
        "published": card.filed_at.as_second(),
        "updated": known.updated.unwrap_or(card.filed_at).as_second(),
        "title": card.title,
        "author": card.author.as_deref().unwrap_or(&card.company),
        "canonical": [{ "href": card.url }],
        "alternate": [{ "href": card.url, "type": "text/html" }],
        "categories": categories,
        "origin": { "streamId": ids::feed(card.source), "title": card.source_title, "htmlUrl": "" },
        "summary": { "content": content(app, visitor, site, known) },
    })
}

/// What the content says of the archive's own addresses.
pub(crate) fn site(app: &App, headers: &HeaderMap) -> Result<Site, Fault> {
    Ok(Site { base_url: Some(origin(app, headers)?), ..app.site.outside() })
}

fn items(
    app: &App,
    visitor: Visitor,
    headers: &HeaderMap,
    id: &str,
    known: &[StreamItem],
    next: Option<String>,
) -> Result<Response, Fault> {
    let site = site(app, headers)?;
    let items: Vec<Value> = known.iter().map(|known| as_item(app, visitor, &site, known)).collect();
    Ok(part_of(json!({ "id": id, "updated": Timestamp::now().as_second(), "items": items }), next))
}

/// The response with a part of a stream. It has a continuation if there are more items.
fn part_of(mut answer: Value, next: Option<String>) -> Response {
    if let Some(next) = next {
        answer["continuation"] = next.into();
    }
    data(&answer)
}

/// The id of a stream in the path.
fn in_path(path: Result<Path<String>, PathRejection>) -> Result<String, Fault> {
    path.map(|Path(id)| id).map_err(|_| Fault::BadAddress("The address names no stream in UTF-8".to_owned()))
}

/// `stream/contents/{stream}`
pub(super) async fn contents(
    program: Program,
    visitor: Visitor,
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Fault> {
    contents_of(program, visitor, &app, &in_path(path)?, &headers, &asked).await
}

/// `stream/contents`, with the stream as the parameter `s`.
pub(super) async fn contents_asked(
    program: Program,
    visitor: Visitor,
    State(app): State<App>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Fault> {
    let id = asked.one("s").unwrap_or(READING_LIST);
    contents_of(program, visitor, &app, id, &headers, &asked).await
}

async fn contents_of(
    program: Program,
    visitor: Visitor,
    app: &App,
    id: &str,
    headers: &HeaderMap,
    asked: &Asked,
) -> Result<Response, Fault> {
    let part = Part::of(asked, stream(app, program, id).await?, CONTENTS_MAX)?;
    let (reads, next) = part.reads(app, program).await?;
    let known = app.store.stream_items(program.reader, &reads).await?;
    items(app, visitor, headers, id, &known, next)
}

/// `stream/items/ids`
pub(super) async fn ids(program: Program, State(app): State<App>, asked: Asked) -> Result<Response, Fault> {
    let id = asked.one("s").unwrap_or(READING_LIST);
    let part = Part::of(&asked, stream(&app, program, id).await?, IDS_MAX)?;
    let (reads, next) = part.reads(&app, program).await?;
    let refs: Vec<Value> = reads.iter().map(|read| json!({ "id": read.to_string() })).collect();
    Ok(part_of(json!({ "itemRefs": refs }), next))
}

/// The reads of the parameters `i`.
pub(super) fn reads_of(asked: &Asked) -> Result<Vec<ReadId>, Fault> {
    let reads = asked.all("i").map(|id| {
        let wrong =
            || Fault::BadForm(format!("“{}” is no item’s id", id.chars().take(80).collect::<String>()));
        ids::read_of(id).ok_or_else(wrong)
    });
    let reads: Vec<ReadId> = reads.collect::<Result<_, _>>()?;
    match reads.len() {
        0 => Err(Fault::BadForm("It lacks the parameter “i”".to_owned())),
        1..=THESE_MAX => Ok(reads),
        _ => Err(Fault::TooLarge(format!("A request names at most {THESE_MAX} items"))),
    }
}

/// `stream/items/contents`: the items that `i` names.
pub(super) async fn these(
    program: Program,
    visitor: Visitor,
    State(app): State<App>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Fault> {
    let known = app.store.stream_items(program.reader, &reads_of(&asked)?).await?;
    items(&app, visitor, &headers, READING_LIST, &known, None)
}

/// `/reader/atom/{stream}`: the same as Atom, which newsboat reads. Its categories tell what the
/// reader did.
pub(super) async fn atom(
    program: Program,
    visitor: Visitor,
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
    asked: Asked,
) -> Result<Response, Fault> {
    let id = in_path(path)?;
    let part = Part::of(&asked, stream(&app, program, &id).await?, CONTENTS_MAX)?;
    let (reads, _) = part.reads(&app, program).await?;
    let known = app.store.stream_items(program.reader, &reads).await?;
    let (site, name) = (site(&app, &headers)?, app.store.name().await?);
    let archive = Ids { archive: &name };
    let entries = known.iter().map(|known| {
        let states = [
            (known.marks.done.is_some(), ItemState { term: READ, label: "read" }),
            (known.marks.done.is_none(), ItemState { term: "user/-/state/com.google/fresh", label: "fresh" }),
            (known.marks.kept.is_some(), ItemState { term: STARRED, label: "starred" }),
        ];
        feed::Item {
            id: item(known.read.card.id),
            // Apps open the article, not the archive's page of it.
            page: None,
            html: content(&app, visitor, &site, known),
            states: states.into_iter().filter(|(is_so, _)| *is_so).map(|(_, state)| state).collect(),
            ..feed::read(&known.read, &site, archive)
        }
    });
    let page = |path: &str| site.page(path).ok_or(Fault::NoSuchPage);
    let channel = Channel {
        id: archive.of(&format!("reader/{id}")),
        title: app.site.title.clone(),
        about: "Engineering reads, each by the problem it solves.".to_owned(),
        page: page("/")?,
        address: page(uri.path())?,
        items: entries.collect(),
    };
    Ok(documents::document(atom::MEDIA_TYPE, atom::document(&channel, Timestamp::now())))
}
