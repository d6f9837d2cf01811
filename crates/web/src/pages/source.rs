//! A source, `/source/{slug}`: its health in plain words, then its reads.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use backissue_model::without_credentials;
use backissue_model::{Health, Hub, Source, Standing};
use backissue_store::{Facets, Order, Page as Stretch, Reach, ReadCard, ReadFilter};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::fault::Fault;
use crate::feed_links::{Format, Offered};
use crate::frame::{Document, Frame, Section};
use crate::narrowing::Narrowing;
use crate::pages::sources::{change_link, state_words};
use crate::parts::facets::{Without, chips, facets, facets_of, narrowing as narrowing_of, shows_uncounted};
use crate::parts::marks::Marked;
use crate::parts::reads;
use crate::parts::reads::PAGE;
use crate::{App, feeds, words};

/// `/source/{slug}`; with `.atom` or `.json` behind the slug its feed.
pub(crate) async fn source(
    frame: Frame,
    narrowing: Narrowing,
    Path(slug): Path<String>,
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    if let Some((slug, _)) = Format::of(&slug) {
        return feeds::source(&app, &headers, &uri, slug).await;
    }
    let store = &app.store;
    let Some(source) = store.source_by_slug(&slug).await? else {
        return Err(Fault::no_such_source(store, &slug).await);
    };
    // The page is about one source, so a source in the query is ignored.
    let narrowing = Narrowing { source: None, ..narrowing };
    narrowing.check_concept(store).await?;
    let mine = frame.reader.zip(narrowing.show);
    let filter = ReadFilter { mine, ..narrowing.filter(Some(&source)) };
    let (stretch, facets, reach) = tokio::try_join!(
        store.reads(&filter, Order::Newest, narrowing.after.as_ref(), PAGE),
        facets_of(store, &frame, &filter),
        store.reach(source.id),
    )?;
    let marked = Marked::on(store, &frame, &stretch.items).await?;
    let document = document(&frame, &source, &narrowing, &stretch, &facets, &reach, &marked);
    Ok(frame.page(document).into_response())
}

fn document(
    frame: &Frame,
    source: &Source,
    narrowing: &Narrowing,
    stretch: &Stretch<ReadCard>,
    found: &Facets,
    reach: &Reach,
    marked: &Marked,
) -> Document {
    let path = format!("/source/{}", source.slug);
    let beside = facets(found, narrowing, &path, Without::Sources);
    Document {
        title: source.title.clone(),
        description: Some(format!(
            "What {} has published, each read by the problem it solves.",
            source.title
        )),
        section: Some(Section::Sources),
        feed: Some(Offered::new(source.title.clone(), path.clone())),
        main: html! {
            (head(frame, source))
            // A file tells nothing that changes by the minute.
            @if narrowing.after.is_none() && !frame.is_published() { (health(source, reach, frame.now, frame.zone())) }
            (shows_uncounted(frame, narrowing, &path, &stretch.items))
            (narrowing_of(beside.as_ref()))
            (chips(narrowing, &path, None))
            (reads::by_month(&stretch.items, frame.zone(), marked))
            @if stretch.items.is_empty() { (nothing(narrowing, &path)) }
            (reads::pager(&path, narrowing, stretch.next.as_ref(), "Older reads →"))
        },
        narrows: beside.is_some(),
        beside_name: "narrowing this list",
        ..Document::default()
    }
}

fn head(frame: &Frame, source: &Source) -> Markup {
    html! {
        div.head {
            p.eyebrow { a href="/sources" { "Sources" } @if source.company != source.title { (reads::dot()) (source.company) } }
            h1 { (source.title) }
            p.tally {
                (words::count(source.reads, "read"))
                @if let Some(site) = &source.site_url {
                    (reads::dot()) a href=(without_credentials(site)) rel="noopener noreferrer" { (site.host_str().unwrap_or("its site").trim_start_matches("www.")) }
                }
                @if let Some(feed) = &source.feed_url {
                    (reads::dot()) a href=(without_credentials(feed)) rel="noopener noreferrer" { "its feed" }
                } @else if let Some(list) = source.listing_url.as_ref().or(source.sitemap_url.as_ref()) {
                    (reads::dot()) a href=(without_credentials(list)) rel="noopener noreferrer" { "the list of its articles" }
                }
                @if frame.has_settings && source.unfollowed_at.is_none() { (reads::dot()) (change_link(source)) }
            }
        }
    }
}

fn health(source: &Source, reach: &Reach, now: Timestamp, zone: &TimeZone) -> Markup {
    let health = &source.health;
    let is_active = health.standing == Standing::Active;
    html! {
        section.health aria-label="Health" {
            p { (state_words(source, now, zone)) }
            @if let Some(error) = &health.last_error {
                p.error { "At the last poll: " (error) }
                @if let Some(at) = health.last_poll { p.quiet { "That was " (words::ago(at, now, zone)) "." } }
            }
            @if health.last_error.is_some() { (failing(health, now, zone)) }
            @if is_active && health.last_error.is_none() && health.last_poll.is_some() {
                p.quiet {
                    @match health.last_new {
                        Some(new) => { "Its last response had " (words::count(new, "new read")) "." }
                        None => "At its last response, nothing had changed."
                    }
                }
            }
            @if is_active && let Some(at) = health.next_poll {
                p.quiet {
                    "Asked next: " (words::ahead(at, now))
                    @if let Some(pace) = &health.pace { " (" (pace.words()) ")" }
                    "."
                }
            }
            @if is_active && let Some(hub) = &health.hub { (hub_words(hub, now, zone)) }
            @if is_active && let Some(moving) = &health.moving {
                p.quiet {
                    "Since " (words::date(moving.since, zone)) ", its server redirects the feed permanently to "
                    code { (moving.to) } ". It is polled there after another response confirms that."
                }
            }
            @if let Some(moved) = &health.moved {
                p.quiet { "Its feed moved on " (words::date(moved.at, zone)) ", from " code { (moved.from) } "." }
            }
            p.quiet { "Followed since " (words::date(source.followed_at, zone)) "." }
            (past(source, reach, zone))
        }
    }
}

/// Whether its hub sends notifications.
fn hub_words(hub: &Hub, now: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        p.quiet {
            @match (&hub.error, hub.ends_at) {
                (_, Some(end)) if hub.tells(now) => {
                    "Its hub, " code { (hub.url) } ", sends notifications until " (words::date(end, zone)) ", then the subscription is renewed."
                    @if let Some(at) = hub.told_at { " The last one was " (words::ago(at, now, zone)) "." }
                }
                (Some(error), _) => {
                    "Its feed names a hub, " code { (hub.url) } ", which sends no notifications: " (error)
                }
                (None, _) => {
                    "Its feed names a hub, " code { (hub.url) } ", which sends notifications if the setting "
                    code { "base_url" } " is a public address."
                }
            }
        }
    }
}

/// Since when polls fail, and the last success.
fn failing(health: &Health, now: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        p.quiet {
            @if health.failures > 1 && let Some(since) = health.failing_since {
                "It has failed since " (words::date(since, zone)) ", "
                (words::number(health.failures.into())) " polls in a row. "
            }
            @match health.last_success {
                Some(at) => { "Its last successful poll was " (words::ago(at, now, zone)) "." }
                None => "No poll has ever succeeded."
            }
        }
    }
}

/// How far back the archive reaches, and the state of the backfill.
fn past(source: &Source, reach: &Reach, zone: &TimeZone) -> Markup {
    let command = html! { code { "backissue backfill " (source.slug) } };
    html! {
        p.quiet {
            @if let Some(oldest) = reach.oldest { "The archive reaches back to " (words::date(oldest, zone)) ". " }
            @match &reach.backfill {
                None if source.feed_url.is_none() => {}
                None => { "That is as far as its feed goes; " (command) " gets what was published before." }
                Some(search) if search.finished_at.is_none() => {
                    "What was published before is being looked for: " (words::count(search.documents, "document")) " read, "
                    (words::count(search.admitted, "new read")) " so far."
                }
                Some(search) => {
                    "What was published before was looked for on " (words::date(search.finished_at.unwrap_or(search.asked_at), zone))
                    ": " (words::count(search.admitted, "new read")) "."
                    @if reach.on_their_way == 0 && (search.extent.since.is_some() || search.extent.most.is_some()) {
                        " Not all was asked for; " (command) " gets the rest."
                    }
                }
            }
            @if reach.on_their_way > 0 { " " (words::count(reach.on_their_way, "read")) @if reach.on_their_way == 1 { " is" } @else { " are" } " on the way." }
        }
        @if let Some(error) = reach.backfill.as_ref().and_then(|search| search.error.as_ref()) {
            p.quiet { "Looking for it met trouble: " (error) }
        }
    }
}

fn nothing(narrowing: &Narrowing, path: &str) -> Markup {
    html! {
        div.empty {
            @if narrowing.is_narrow() {
                p { "Nothing of it is that narrow." }
                p { a href=(path) { "Show all its reads" } }
            } @else {
                p { "None of its reads is in the archive yet." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_to_a_feed_has_no_password() {
        let feed = "https://ann:s3cret@acme.example/feed.xml".parse().unwrap();
        assert_eq!(without_credentials(&feed).as_str(), "https://acme.example/feed.xml");
    }
}
