//! Feeds of the archive: all reads, weeks, a concept, a source, the answer to a question.
//!
//! `/feed.atom`, `/weeks.atom`, `/concept/caching.atom`, `/source/undergrowth.atom`,
//! `/search.atom?q=…`, `/shelf/{secret}.atom?label=…`; each also as JSON Feed under `.json`.

use std::cmp::Reverse;
use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::header::{ETAG, HOST};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use backissue_digest::feed::{self, Channel, Ids, atom, json};
use backissue_digest::{Digest, Site};
use backissue_model::{ConceptSlug, Label, Week, WritingError};
use backissue_search::{Asked, CANDIDATES};
use backissue_store::{Order, ReadFilter, ReadSummary};
use jiff::Timestamp;
use url::Url;

use crate::documents::{self, document};
use crate::fault::Fault;
use crate::feed_links::{Format, is_personal};
use crate::freshness;
use crate::narrowing::Narrowing;
use crate::parts::note::shelf_href;
use crate::published::Company;
use crate::question::{Question, href};
use crate::{App, vocabulary, words};

/// Maximum entries of a feed of reads.
pub const READS: u32 = 50;
/// Maximum entries of the feed of weeks.
const WEEKS: u32 = 10;

/// `/feed.atom`, `/feed.json`: all reads, or those that the filters in the address select.
pub(crate) async fn all(
    State(app): State<App>,
    narrowing: Narrowing,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    let (filter, source) = narrowing.looked_up(&app.store).await?;
    let site = &app.site.title;
    let narrow: Vec<String> = source
        .map(|source| source.title)
        .into_iter()
        .chain(narrowing.concept.as_ref().map(vocabulary::name))
        .chain(narrowing.kind.map(|kind| words::kind(kind).to_owned()))
        .chain(narrowing.form.map(|form| words::form(form).to_owned()))
        .collect();
    let title = if narrow.is_empty() { site.clone() } else { format!("{site}: {}", narrow.join(", ")) };
    let reads = app.store.summaries(&filter, Order::Newest, READS).await?;
    let about = "Engineering reads, each by the problem it solves.".to_owned();
    Feed { title, about, page: "/".to_owned(), content: Content::Reads(reads) }
        .answer(&app, &headers, &uri)
        .await
}

/// `/weeks.atom`, `/weeks.json`: each week that has ended, as one entry.
pub(crate) async fn weeks(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Result<Response, Fault> {
    let this_week = Week::of(Timestamp::now(), &app.site.time_zone);
    let ended = app.store.weeks_around(this_week.previous(), WEEKS, 0).await?;
    let mut weeks = Vec::new();
    for week in ended.into_iter().map(|count| count.week) {
        let whole = ReadFilter { week: Some(week), ..ReadFilter::default() };
        weeks.push(documents::digest(&app.store, week, &whole).await?);
    }
    let title = format!("{}: weeks", app.site.title);
    let about =
        "Each week of engineering reads as one entry: the best first, the rest by concept.".to_owned();
    Feed { title, about, page: "/weeks".to_owned(), content: Content::Weeks(weeks) }
        .answer(&app, &headers, &uri)
        .await
}

/// `/concept/caching.atom`, `/concept/caching.json`
pub(crate) async fn concept(
    app: &App,
    headers: &HeaderMap,
    uri: &Uri,
    name: &str,
) -> Result<Response, Fault> {
    let unknown = || Fault::NoSuchConcept(name.to_owned());
    let slug: ConceptSlug = name.parse().map_err(|_| unknown())?;
    let filter = ReadFilter { concept: Some(slug.clone()), ..ReadFilter::default() };
    let reads = app.store.summaries(&filter, Order::Newest, READS).await?;
    let concept = vocabulary::concept(&slug);
    if concept.is_none() && reads.is_empty() {
        return Err(unknown());
    }
    let title = format!("{}: {}", app.site.title, vocabulary::name(&slug));
    let about = concept.map(|concept| concept.definition.clone()).unwrap_or_default();
    Feed { title, about, page: format!("/concept/{slug}"), content: Content::Reads(reads) }
        .answer(app, headers, uri)
        .await
}

/// `/source/undergrowth.atom`, `/source/undergrowth.json`
pub(crate) async fn source(app: &App, headers: &HeaderMap, uri: &Uri, slug: &str) -> Result<Response, Fault> {
    let Some(source) = app.store.source_by_slug(slug).await? else {
        return Err(Fault::no_such_source(&app.store, slug).await);
    };
    let filter = ReadFilter { source: Some(source.id), ..ReadFilter::default() };
    let reads = app.store.summaries(&filter, Order::Newest, READS).await?;
    let title = format!("{}: {}", app.site.title, source.title);
    let about = format!("What {} has published, each read by the problem it solves.", source.title);
    Feed { title, about, page: format!("/source/{}", source.slug), content: Content::Reads(reads) }
        .answer(app, headers, uri)
        .await
}

/// `/company/acme.atom`, `/company/acme.json`
pub(crate) async fn company(
    app: &App,
    headers: &HeaderMap,
    uri: &Uri,
    company: &Company,
) -> Result<Response, Fault> {
    let newest = &company.reads[..company.reads.len().min(READS as usize)];
    let reads = app.store.summaries_of_reads(newest).await?;
    let title = format!("{}: {}", app.site.title, company.name);
    let about = format!("What engineers of {} wrote, each read by the problem it solves.", company.name);
    Feed { title, about, page: format!("/company/{}", company.slug), content: Content::Reads(reads) }
        .answer(app, headers, uri)
        .await
}

/// `/search.atom?q=…`, `/search.json?q=…`: the newest of the best answers to a question.
pub(crate) async fn search(
    State(app): State<App>,
    question: Question,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    if question.is_empty() {
        return Err(Fault::BadAddress(
            "Say in “q” what is searched, as in /search.atom?q=slow+builds".to_owned(),
        ));
    }
    if is_personal(&question.text) {
        return Err(Fault::BadAddress(
            "A feed of answers is for everybody, so its question has no “is:” and no “label:”. /shelf makes the secret \
             address of a feed of what you keep"
                .to_owned(),
        ));
    }
    let asked = Asked { text: question.text.clone(), limit: CANDIDATES, ..Asked::default() };
    let answer = app.search.find(&asked).await?;
    let is_whole = answer.is_whole();
    let mut reads: Vec<ReadSummary> = answer
        .matches
        .into_iter()
        .map(|found| ReadSummary { card: found.read.card, precis: found.read.precis })
        .collect();
    reads.sort_by_key(|read| Reverse((read.card.filed_at, read.card.id)));
    reads.truncate(READS as usize);
    let title = format!("{}: {}", app.site.title, question.text.trim());
    let about = format!("The newest reads that answer “{}”.", question.text.trim());
    let response =
        Feed { title, about, page: href("/search", &question.text, 1), content: Content::Reads(reads) }
            .answer(&app, &headers, &uri)
            .await?;
    Ok(freshness::kept_if(is_whole, response))
}

/// `/shelf/{secret}.atom`, `/shelf/{secret}.json`: the reads that a reader kept last, with
/// `?label=` those that have a label. The secret in the address is the permission.
pub(crate) async fn shelf(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    let (secret, _) = Format::of(&name).ok_or(Fault::NoSuchPage)?;
    let reader = app.store.reader_of_shelf(secret).await?.ok_or(Fault::NoSuchPage)?;
    let (archive, own) = app.store.versions(reader).await?;
    let origin = origin(&app, &headers)?;
    let tag = freshness::tag_of(&format!("{}\n{archive}\n{own}\n{origin}\n{uri}", app.site.version));
    if freshness::has(&headers, &tag) {
        return Ok(freshness::not_modified(&tag));
    }
    let label = query.get("label").filter(|label| !label.is_empty());
    let label: Option<Label> = label
        .map(|label| label.parse())
        .transpose()
        .map_err(|e: WritingError| Fault::BadAddress(e.to_string()))?;
    let reads = app.store.kept_last(reader, label.as_ref(), READS).await?;
    let (title, page) = match &label {
        Some(label) => (format!("{}: shelf, {label}", app.site.title), shelf_href(label)),
        None => (format!("{}: shelf", app.site.title), "/shelf".to_owned()),
    };
    let about = "The reads that were kept last.".to_owned();
    let mut response =
        Feed { title, about, page, content: Content::Reads(reads) }.answer(&app, &headers, &uri).await?;
    response.headers_mut().extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
    Ok(response)
}

/// The contents of a feed.
enum Content {
    Reads(Vec<ReadSummary>),
    Weeks(Vec<Digest>),
}

/// A feed before its addresses and ids are known.
struct Feed {
    title: String,
    about: String,
    /// The page with the same reads.
    page: String,
    content: Content,
}

impl Feed {
    /// The document, in the format of the address.
    async fn answer(mut self, app: &App, headers: &HeaderMap, uri: &Uri) -> Result<Response, Fault> {
        if let Content::Reads(reads) = &mut self.content
            && !app.gives_articles()
        {
            reads.iter_mut().for_each(|read| read.card.description = None);
        }
        let (path, format) = Format::of(uri.path()).ok_or(Fault::NoSuchPage)?;
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let name = app.store.name().await?;
        let ids = Ids { archive: &name };
        let site = Site { base_url: Some(origin(app, headers)?), ..app.site.outside() };
        let page = |path: &str| site.page(path).ok_or(Fault::NoSuchPage);
        let items = match &self.content {
            Content::Reads(reads) => reads.iter().map(|read| feed::read(read, &site, ids)).collect(),
            Content::Weeks(weeks) => {
                weeks.iter().map(|week| feed::week(week, &site, ids, ended(week.week, &site))).collect()
            }
        };
        let channel = Channel {
            id: ids.of(&format!("feed{path}{query}")),
            title: self.title,
            about: self.about,
            page: page(&self.page)?,
            address: page(&format!("{}{query}", uri.path()))?,
            items,
        };
        Ok(match format {
            Format::Atom => document(atom::MEDIA_TYPE, atom::document(&channel, Timestamp::now())),
            Format::Json => document(json::MEDIA_TYPE, json::document(&channel)),
        })
    }
}

/// The moment at which a week ended.
fn ended(week: Week, site: &Site) -> Timestamp {
    site.time_zone.to_timestamp(week.next().monday().at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The address of the pages: the configured one, or else the host name of the request.
pub(crate) fn origin(app: &App, headers: &HeaderMap) -> Result<Url, Fault> {
    if let Some(base) = &app.site.base_url {
        return Ok(base.clone());
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let unfit = |_| Fault::BadAddress(format!("“{host}” is no host"));
    format!("http://{host}/").parse().map_err(unfit)
}
