//! The Fever API for reader apps, at the address at which FreshRSS has it: `/api/fever.php`.
//!
//! Each request is a form with a key: the MD5 of the reader's name and a token, joined by a colon.
//! Its other parameters name what the answer has and what changes. A source is a feed, its group
//! the feed's group. Groups have feeds and not items, so labels and concepts are none. "Read" is
//! done, "saved" is kept.
//!
//! <https://feedafever.com/api>

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use backissue_model::{Mark, ReadId, Scope, Source, SourceId, without_credentials};
use backissue_store::{Mine, Stream, StreamFilter, StreamItem, Tag, Tagged};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use crate::App;
use crate::access::client;
use crate::fault::Fault;
use crate::forms::FORM_MAX;
use crate::greader::{Asked, IDS_MAX, content, data, site, sources};
use crate::programs::{Program, Secret};

/// The version of the API.
const VERSION: u8 = 3;
/// Maximum items of an answer.
const ITEMS_MAX: u32 = 50;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/api/fever.php", post(answer)).layer(DefaultBodyLimit::max(FORM_MAX))
}

async fn answer(State(app): State<App>, headers: HeaderMap, request: Request) -> Result<Response, Fault> {
    let client = client(&app, request.extensions(), &headers);
    // A key in an address would be in logs.
    if request.uri().query().is_some_and(|query| query.contains("api_key")) {
        return Err(Fault::BadForm("The key belongs into the form, not into the address".to_owned()));
    }
    let asked = Asked::from_request(request, &app).await?;
    let unknown = || data(&json!({ "api_version": VERSION, "auth": 0 }));
    let key = asked.one("api_key").unwrap_or_default().to_ascii_lowercase();
    if key.len() != 32 || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(unknown());
    }
    let secret = Secret::FeverKey(&key);
    let (visitor, rate) = app.programs.visitor(&app.readers, &app.store, client, &headers, secret).await;
    let visitor = match visitor {
        Err(Fault::WrongToken) => return Ok(unknown()),
        visitor => visitor?,
    };
    let program = Program::of(visitor).ok_or(Fault::WrongToken)?;
    let sources = sources(&app).await?;
    let groups = groups(&sources);
    let changed = match asked.one("mark") {
        Some(what) => change(&app, program, what, &asked, &sources, &groups).await?,
        None => None,
    };
    let polled = sources.iter().filter_map(|source| source.health.last_success).max();
    let mut said = json!({
        "api_version": VERSION, "auth": 1, "last_refreshed_on_time": polled.map_or(0, Timestamp::as_second),
    });
    if asked.has("feeds") {
        said["feeds"] = sources.iter().map(feed).collect();
    }
    if asked.has("groups") {
        let group = |name: &&str| json!({ "id": group_id(name), "title": name });
        said["groups"] = groups.keys().map(group).collect();
    }
    if asked.has("feeds") || asked.has("groups") {
        let of_group = |(name, ids): (&&str, &Vec<String>)| json!({ "group_id": group_id(name), "feed_ids": ids.join(",") });
        said["feeds_groups"] = groups.iter().map(of_group).collect();
    }
    for name in ["favicons", "links"].into_iter().filter(|name| asked.has(name)) {
        said[name] = json!([]);
    }
    if asked.has("items") {
        let reads = reads_of(&app, program, &asked).await?;
        let known = app.store.stream_items(program.reader, &reads).await?;
        let site = site(&app, &headers)?;
        said["total_items"] = app.store.reads_annotated().await?.into();
        said["items"] = known.iter().map(|known| item(known, content(&app, visitor, &site, known))).collect();
    }
    for (name, mine) in [("unread_item_ids", Mine::Unread), ("saved_item_ids", Mine::Kept)] {
        if asked.has(name) || changed == Some(mine) {
            let filter = StreamFilter::all_of(Stream::Mine(mine));
            let reads = app.store.stream(program.reader, &filter, None, false, IDS_MAX).await?;
            said[name] = reads.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").into();
        }
    }
    let mut response = data(&said);
    if let Some(rate) = rate {
        rate.tell(&mut response);
    }
    Ok(response)
}

/// Groups of sources by name, with the numbers of their sources.
type Groups<'s> = BTreeMap<&'s str, Vec<String>>;

fn groups(sources: &[Source]) -> Groups<'_> {
    let mut groups = Groups::new();
    for source in sources {
        if let Some(group) = &source.group {
            groups.entry(group).or_default().push(source.id.0.to_string());
        }
    }
    groups
}

/// The number of a group. It follows from the name, so that it stays the same.
fn group_id(name: &str) -> i64 {
    // Some apps have no larger numbers than 31 bits.
    1 + i64::try_from(xxh3_64(name.as_bytes()) >> 34).unwrap_or_default()
}

fn feed(source: &Source) -> Value {
    let shown = |url: &Option<Url>| url.as_ref().map(without_credentials);
    json!({
        "id": source.id.0, "favicon_id": 0, "title": source.title, "is_spark": 0,
        "url": shown(&source.feed_url).or_else(|| shown(&source.site_url)),
        "site_url": shown(&source.site_url),
        "last_updated_on_time": source.newest.map_or(0, Timestamp::as_second),
    })
}

fn item(StreamItem { read, marks, .. }: &StreamItem, html: String) -> Value {
    let card = &read.card;
    json!({
        "id": card.id.0, "feed_id": card.source.0, "title": card.title, "url": card.url, "html": html,
        "author": card.author.as_deref().unwrap_or(&card.company),
        "is_saved": i32::from(marks.kept.is_some()), "is_read": i32::from(marks.done.is_some()),
        "created_on_time": card.filed_at.as_second(),
    })
}

/// A parameter that is a number.
fn number(asked: &Asked, name: &str) -> Result<Option<i64>, Fault> {
    let wrong = || Fault::BadForm(format!("“{name}” is no number"));
    asked.one(name).map(|text| text.trim().parse().map_err(|_| wrong())).transpose()
}

/// The reads that `with_ids`, `max_id` or `since_id` names: these, the newest before one, or the
/// oldest after one.
async fn reads_of(app: &App, program: Program, asked: &Asked) -> Result<Vec<ReadId>, Fault> {
    if let Some(ids) = asked.one("with_ids") {
        let ids: Result<Vec<ReadId>, _> = ids.split(',').map(|id| id.trim().parse().map(ReadId)).collect();
        let ids = ids.map_err(|_| Fault::BadForm("“with_ids” is no list of numbers".to_owned()))?;
        return if ids.len() > ITEMS_MAX as usize {
            Err(Fault::TooLarge(format!("A request names at most {ITEMS_MAX} items")))
        } else {
            Ok(ids)
        };
    }
    let (since, max) = (number(asked, "since_id")?, number(asked, "max_id")?);
    let filter = StreamFilter::all_of(Stream::All);
    let after = max.or(since).map(ReadId);
    Ok(app.store.stream(program.reader, &filter, after, max.is_none(), ITEMS_MAX).await?)
}

/// Marks an item, a feed or a group. Returns the state whose reads have changed.
async fn change(
    app: &App,
    program: Program,
    what: &str,
    asked: &Asked,
    sources: &[Source],
    groups: &Groups<'_>,
) -> Result<Option<Mine>, Fault> {
    if program.scope < Scope::Write {
        return Err(Fault::NarrowToken(Scope::Write));
    }
    let (action, now) = (asked.required("as")?, Timestamp::now());
    let id = number(asked, "id")?.ok_or_else(|| Fault::BadForm("It lacks the parameter “id”".to_owned()))?;
    let none = |what: &str| Fault::BadForm(format!("There is no {what} with the number {id}"));
    let stream = match what {
        "item" => {
            let (mark, set, mine) = match action {
                "read" => (Mark::Done, true, Mine::Unread),
                "unread" => (Mark::Done, false, Mine::Unread),
                "saved" => (Mark::Keep, true, Mine::Kept),
                "unsaved" => (Mark::Keep, false, Mine::Kept),
                _ => {
                    let why = "“as” is no state of an item; it is read, unread, saved or unsaved";
                    return Err(Fault::BadForm(why.to_owned()));
                }
            };
            let tags = [(Tag::Mark(mark), set)];
            return match app.store.tag_reads(program.reader, &[ReadId(id)], &tags, now).await? {
                Tagged::Done => Ok(Some(mine)),
                Tagged::NoSuchRead(_) | Tagged::TooManyLabels(_) => Err(none("item")),
            };
        }
        "feed" => {
            let source = sources.iter().find(|source| source.id == SourceId(id));
            Stream::Source(source.ok_or_else(|| none("feed"))?.id)
        }
        // All feeds.
        "group" if id == 0 => Stream::All,
        // Feeds that an app shows only within all others, of which there are none.
        "group" if id == -1 => return Ok(None),
        "group" => {
            let name = groups.keys().find(|name| group_id(name) == id);
            Stream::Group((*name.ok_or_else(|| none("group"))?).to_owned())
        }
        _ => return Err(Fault::BadForm("“mark” is item, feed or group".to_owned())),
    };
    if action != "read" {
        return Err(Fault::BadForm("Feeds and groups can only be marked as read".to_owned()));
    }
    let time = |seconds| {
        let time = Timestamp::from_second(seconds);
        time.map_err(|_| Fault::BadForm("“before” is no number of seconds since 1970".to_owned()))
    };
    // Apps send 0 for no limit.
    let until = number(asked, "before")?.filter(|seconds| *seconds != 0).map(time).transpose()?;
    let filter = StreamFilter { until, ..StreamFilter::all_of(stream) };
    app.store.mark_stream_done(program.reader, &filter, now).await?;
    Ok(Some(Mine::Unread))
}
