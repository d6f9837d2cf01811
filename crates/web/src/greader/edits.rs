//! Changes by reader apps: states, labels, and for operators the feeds.

use axum::extract::State;
use axum::response::Response;
use backissue_model::{Label, Mark, Source, typed_address, without_credentials};
use backissue_store::{Follow, LABELS_MAX, Mine, SourceChange, StreamFilter, Tag, Tagged, Unfollow};
use jiff::Timestamp;
use serde_json::json;

use crate::App;
use crate::fault::Fault;
use crate::greader::asked::{Asked, data, done, sources, stream};
use crate::greader::ids::{self, state_of};
use crate::greader::items::reads_of;
use crate::operating::find_to_follow;
use crate::operator::FoundToFollow;
use crate::programs::Program;

/// What a tag on an item stands for, and whether adding it sets that. `None` for Google's own
/// bookkeeping, which says nothing here.
fn tag_of(tag: &str) -> Result<Option<(Tag, bool)>, Fault> {
    if let Some(mine) = state_of(tag) {
        return Ok(Some(match mine {
            Mine::Kept => (Tag::Mark(Mark::Keep), true),
            Mine::Unread => (Tag::Mark(Mark::Done), false),
            Mine::Done | Mine::Noted | Mine::Hidden => (Tag::Mark(Mark::Done), true),
        }));
    }
    if let Some(name) = ids::name_of(tag) {
        let label = name.parse::<Label>();
        let label = label.map_err(|why| Fault::BadForm(format!("“{name}” is no label: {why}")))?;
        return Ok(Some((Tag::Label(label), true)));
    }
    let known = ["/state/com.google/tracking-kept-unread", "/state/com.google/fresh"];
    if known.iter().any(|end| tag.ends_with(end)) {
        return Ok(None);
    }
    let tag: String = tag.chars().take(200).collect();
    Err(Fault::BadForm(format!("“{tag}” is no tag; tags are read, kept-unread, starred and labels")))
}

/// `edit-tag`: adds the tags `a` to the items `i`, and removes the tags `r`. All or nothing.
pub(super) async fn tag(program: Program, State(app): State<App>, asked: Asked) -> Result<Response, Fault> {
    let reads = reads_of(&asked)?;
    let added = asked.all("a").map(|tag| (tag, true));
    let removed = asked.all("r").map(|tag| (tag, false));
    let (mut tags, mut is_empty) = (Vec::new(), true);
    for (tag, added) in added.chain(removed).filter(|(tag, _)| !tag.is_empty()) {
        is_empty = false;
        match tag_of(tag)? {
            // That an item is not kept unread any more does not say that it was read.
            Some((Tag::Mark(Mark::Done), false)) if !added => {}
            Some((tag, set)) => tags.push((tag, set == added)),
            None => {}
        }
    }
    if is_empty {
        return Err(Fault::BadForm("It lacks the parameters “a” and “r”".to_owned()));
    }
    match app.store.tag_reads(program.reader, &reads, &tags, Timestamp::now()).await? {
        Tagged::Done => Ok(done()),
        Tagged::NoSuchRead(read) => {
            Err(Fault::BadForm(format!("There is no item with the number {read}; nothing was changed")))
        }
        Tagged::TooManyLabels(read) => Err(Fault::BadForm(format!(
            "Read {read} would have more labels than the {LABELS_MAX} that a read can have; nothing was changed"
        ))),
    }
}

/// `mark-all-as-read`: all of the stream `s` that the archive saw first at `ts` (in microseconds)
/// or earlier.
pub(super) async fn all_read(
    program: Program,
    State(app): State<App>,
    asked: Asked,
) -> Result<Response, Fault> {
    let stream = stream(&app, program, asked.required("s")?).await?;
    let until = asked.one("ts").filter(|ts| *ts != "0").map(|ts| {
        let time = ts.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        time.ok_or_else(|| Fault::BadForm("“ts” is no number of microseconds since 1970".to_owned()))
    });
    let filter = StreamFilter { until: until.transpose()?, ..StreamFilter::all_of(stream) };
    app.store.mark_stream_done(program.reader, &filter, Timestamp::now()).await?;
    Ok(done())
}

/// `subscription/edit`: follows, unfollows, renames or groups a feed.
pub(super) async fn subscription(State(app): State<App>, asked: Asked) -> Result<Response, Fault> {
    let (action, feed) = (asked.required("ac")?, asked.required("s")?);
    let known = || async {
        let source = ids::source_of(feed, &sources(&app).await?).cloned();
        source.ok_or_else(|| Fault::BadForm("The archive follows no such feed".to_owned()))
    };
    let source = match action {
        "subscribe" => {
            let address = feed.strip_prefix("feed/").unwrap_or(feed);
            follow(&app, address).await?
        }
        "edit" => known().await?,
        "unsubscribe" => {
            let source = known().await?;
            app.store.unfollow(source.id, Unfollow::KeepReads, Timestamp::now()).await?;
            return Ok(done());
        }
        _ => {
            return Err(Fault::BadForm("“ac” is no action; it is subscribe, unsubscribe or edit".to_owned()));
        }
    };
    let group = match (asked.one("a"), asked.one("r")) {
        (Some(folder), _) => {
            let name = ids::name_of(folder);
            Some(name.ok_or_else(|| Fault::BadForm("“a” is no folder".to_owned()))?.to_owned())
        }
        (None, Some(_)) => Some(String::new()),
        (None, None) => None,
    };
    let title = asked.one("t").map(str::trim).filter(|title| !title.is_empty()).map(str::to_owned);
    let change = SourceChange { title, group, ..SourceChange::default() };
    if !change.is_empty() {
        app.store.change_source(source.id, &change, Timestamp::now()).await?;
    }
    Ok(done())
}

/// `subscription/quickadd`: follows the feed at an address.
pub(super) async fn quickadd(State(app): State<App>, asked: Asked) -> Result<Response, Fault> {
    let typed = asked.required("quickadd")?;
    let typed = typed.strip_prefix("feed/").unwrap_or(typed);
    let source = follow(&app, typed).await?;
    let shown = typed_address(typed).ok().map(|url| without_credentials(&url).to_string());
    Ok(data(&json!({
        "numResults": 1, "query": shown, "streamId": ids::feed(source.id), "streamName": source.title,
    })))
}

async fn follow(app: &App, typed: &str) -> Result<Source, Fault> {
    let url = typed_address(typed).map_err(|why| Fault::BadForm(why.to_string()))?;
    match find_to_follow(app, &url).await? {
        Ok(FoundToFollow::One(new)) => {
            let Follow { source, .. } = app.store.follow(&new, Timestamp::now()).await?;
            Ok(source)
        }
        Ok(FoundToFollow::Several(_)) => {
            Err(Fault::BadForm("This page has several feeds; give the address of one of them".to_owned()))
        }
        Err(why) => Err(Fault::BadForm(why)),
    }
}
