//! Finds the new address of a feed: by a permanent redirect, or on a web page that is at the feed's
//! old address.
//!
//! A wrong change loses a blog, but a missed change costs only a redirect per poll. So a redirect
//! must be seen twice, and a feed on a page must have something in common with the source. Domains
//! change owners, and a parked domain serves a page at every address.

use backissue_crawl::FoundFeed;
use backissue_feed::{FeedError, Hints};
use backissue_fetch::{Body, Response, Validators, Want};
use backissue_model::{
    CanonicalUrl, Feed, Moving, PollingHints, Source, letters, same_site, without_credentials,
};
use backissue_store::Address;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::context::Context;
use crate::error::IngestError;
use crate::feed_response::{FeedResponse, named, read};
use crate::hubs;

/// Decides about the feed's address after a response. A permanent redirect changes it if two
/// successful responses in a row, at least `apart` from each other, led to the same new address. A
/// change from https to http is refused.
pub(crate) fn judge(
    asked: &Url,
    moved_to: Option<Url>,
    moving: Option<&Moving>,
    now: Timestamp,
    apart: SignedDuration,
) -> Address {
    let Some(new) = moved_to.filter(|new| is_as_safe(asked, new)) else { return Address::Stays };
    let to = without_credentials(&new);
    if to == without_credentials(asked) {
        return Address::Stays;
    }
    // After a clock was set back, this starts over.
    match moving.filter(|moving| moving.to == to && moving.since <= now) {
        Some(moving) if now.duration_since(moving.since) >= apart => Address::Moved(new),
        Some(moving) => Address::Moves(moving.clone()),
        None => Address::Moves(Moving { to, since: now }),
    }
}

/// Whether the new address is protected by https at least as well as the old one.
fn is_as_safe(old: &Url, new: &Url) -> bool {
    new.scheme() == "https" || new.scheme() == old.scheme()
}

/// The source's feed, found on a web page.
pub(crate) struct FoundAgain {
    /// Why the web page at a feed's address leads to no feed of the source.
    pub(crate) url: Url,
    pub(crate) feed: Feed,
    pub(crate) polling_hints: PollingHints,
    pub(crate) validators: Validators,
}

/// Why the web page in a feed's place leads to no feed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFoundAgain {
    #[error(
        "its feed's address currently gives a web page, which still names this address as its feed; it is retried later"
    )]
    SamePlace,
    #[error(
        "its feed's address gives a web page now, which names no other feed of this site; look for the blog's feed and follow that, \
         then unfollow this one"
    )]
    NoneOffered,
    #[error(
        "its feed's address gives a web page now, and the feed that page names could not be read ({url}: {why}); it is retried \
         later"
    )]
    Unreadable { url: Url, why: String },
    #[error(
        "its feed's address gives a web page now, and the feed that page names ({url}) has nothing in common with what is known of \
         this blog; if it is the blog's all the same, follow that address and unfollow this one"
    )]
    Strange { url: Url },
}

/// Fetches the best feed that the page at the old address links to, if it is on the same site. The
/// feed is accepted if it has an entry or the title of the source.
pub(crate) async fn find_again(
    cx: &Context,
    source: &Source,
    offered: Vec<FoundFeed>,
) -> Result<Result<FoundAgain, NotFoundAgain>, IngestError> {
    let url = match best_offer(source, offered) {
        Ok(url) => url,
        Err(none) => return Ok(Err(none)),
    };
    let unreadable = |why: String| Ok(Err(NotFoundAgain::Unreadable { url: url.clone(), why }));
    let response = match cx.fetcher.get(&url, Want::Feed, &Validators::default()).await {
        Ok(response) => response,
        Err(error) => return unreadable(error.to_string()),
    };
    if !is_of_site(source, &response.url) || !is_as_safe(&url, &response.url) {
        return unreadable(format!("it leads away to {}", response.url));
    }
    let Response { body, url: at, media_type, validators, links, .. } = response;
    let Body::Bytes(bytes) = body else {
        return unreadable(
            "the server answered that it has not changed, though the request was not conditional".into(),
        );
    };
    let (feed, mut polling_hints) = match read(bytes, Hints { url: Some(at), media_type }).await {
        FeedResponse::Feed(found) => *found,
        FeedResponse::Page(_) => return unreadable(FeedError::WebPage.to_string()),
        FeedResponse::Other(why) => return unreadable(why),
    };
    let kin =
        share_a_title(source, &feed) || cx.store.has_any_of(source.id, &named(feed.clone()).articles).await?;
    if !kin {
        return Ok(Err(NotFoundAgain::Strange { url }));
    }
    hubs::discover(&mut polling_hints, &links, Some(&url));
    Ok(Ok(FoundAgain { url, feed, polling_hints, validators }))
}

/// The best feed on the source's site among those that the page links to, except the page's own
/// address.
fn best_offer(source: &Source, offered: Vec<FoundFeed>) -> Result<Url, NotFoundAgain> {
    let key = |url: &Url| CanonicalUrl::of(url).map(|url| url.key()).ok();
    let old = source.feed_url.as_ref();
    if offered.iter().any(|feed| old.is_some_and(|old| key(old) == key(&feed.url))) {
        return Err(NotFoundAgain::SamePlace);
    }
    let mut offered = offered.iter().map(|feed| without_credentials(&feed.url));
    offered
        .find(|url| is_of_site(source, url) && old.is_none_or(|old| is_as_safe(old, url)))
        .ok_or(NotFoundAgain::NoneOffered)
}

/// Whether an address is on the site of the source's feed or front page.
fn is_of_site(source: &Source, url: &Url) -> bool {
    let mut own = [&source.feed_url, &source.site_url].into_iter().flatten().filter_map(Url::host_str);
    url.host_str().is_some_and(|theirs| own.any(|own| same_site(own, theirs)))
}

/// Whether a feed has the source's title. A title that only repeats the host, as on parked domains,
/// does not count.
fn share_a_title(source: &Source, feed: &Feed) -> bool {
    let title = letters(&source.title);
    let hosts = [&source.feed_url, &source.site_url].into_iter().flatten().filter_map(Url::host_str);
    let repeats_host = hosts.into_iter().any(|host| letters(host).contains(&title));
    !title.is_empty() && !repeats_host && feed.title.as_deref().is_some_and(|theirs| letters(theirs) == title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_model::{FeedFormat, Health, Limit, Slug, SourceId};

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_778_486_400 + hour * 3600).unwrap()
    }

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// Judges a series of responses, each with an hour and its target. Returns the last verdict.
    fn told(asked: &str, answers: &[(i64, Option<&str>)]) -> Address {
        let mut address = Address::Stays;
        for (hour, moved_to) in answers {
            let moving = match &address {
                Address::Moves(moving) => Some(moving.clone()),
                _ => None,
            };
            address = judge(&url(asked), moved_to.map(url), moving.as_ref(), at(*hour), HOUR);
        }
        address
    }

    #[test]
    fn address_changes_after_two_matching_responses() {
        let (old, new, other) =
            ("https://a.example/feed", Some("https://b.example/feed"), Some("https://c.example/"));
        let moves = |hour| Address::Moves(Moving { to: url("https://b.example/feed"), since: at(hour) });
        let moved = Address::Moved(url("https://b.example/feed"));
        assert_eq!(told(old, &[(0, new)]), moves(0));
        assert_eq!(told(old, &[(0, new), (1, new)]), moved);
        assert_eq!(told(old, &[(0, new), (0, new)]), moves(0), "at the same time is once");
        assert_eq!(told(old, &[(0, new), (0, new), (1, new)]), moved);
        assert_eq!(told(old, &[(0, new), (1, None), (2, new)]), moves(2), "not in a row");
        assert_eq!(told(old, &[(0, other), (1, new)]), moves(1), "not the same");
        assert_eq!(told(old, &[(9, new), (1, new)]), moves(1), "the clock was set back");
        assert_eq!(told(old, &[(0, Some(old)), (1, Some(old))]), Address::Stays);
    }

    #[test]
    fn no_move_downgrades_https_or_shows_credentials() {
        let plain = Some("http://a.example/feed");
        assert_eq!(told("https://a.example/feed", &[(0, plain), (1, plain)]), Address::Stays);
        let plain_to_plain = told(
            "http://a.example/feed",
            &[(0, Some("http://a.example/new")), (1, Some("http://a.example/new"))],
        );
        assert_eq!(plain_to_plain, Address::Moved(url("http://a.example/new")));
        let secret = Some("https://me:secret@a.example/new");
        let Address::Moves(moving) = told("https://me:secret@a.example/feed", &[(0, secret)]) else {
            panic!("it moves")
        };
        assert_eq!(moving.to.as_str(), "https://a.example/new");
        let moved = told("https://me:secret@a.example/feed", &[(0, secret), (1, secret)]);
        assert_eq!(moved, Address::Moved(url("https://me:secret@a.example/new")), "it is asked with them");
    }

    fn source(title: &str) -> Source {
        Source {
            id: SourceId(1),
            slug: Slug::of("acme"),
            title: title.to_owned(),
            company: title.to_owned(),
            site_url: Some(url("https://www.acme.example/")),
            feed_url: Some(url("https://feeds.proxy.example/acme")),
            sitemap_url: None,
            listing_url: None,
            group: None,
            followed_at: at(0),
            unfollowed_at: None,
            reads: 0,
            newest: None,
            health: Health::default(),
            keep_articles: Limit::default(),
            keep_articles_size: Limit::default(),
        }
    }

    fn offers(urls: &[&str]) -> Vec<FoundFeed> {
        urls.iter().map(|at| FoundFeed { url: url(at), title: None, format_hint: None }).collect()
    }

    #[test]
    fn best_feed_of_the_same_site_is_taken() {
        let best = |urls: &[&str]| best_offer(&source("Acme"), offers(urls)).map_err(|none| none.to_string());
        let taken = |at: &str| Ok(url(at));
        assert_eq!(
            best(&[
                "https://parking.example/feed",
                "https://blog.acme.example/rss",
                "https://acme.example/b"
            ]),
            taken("https://blog.acme.example/rss")
        );
        assert_eq!(best(&["https://feeds.proxy.example/new"]), taken("https://feeds.proxy.example/new"));
        assert_eq!(best(&["https://me:secret@acme.example/rss"]), taken("https://acme.example/rss"));
        let downgrade = best(&["http://acme.example/rss"]).unwrap_err();
        assert!(downgrade.contains("names no other feed of this site"), "{downgrade}");
        let same = best(&["https://acme.example/rss", "https://feeds.proxy.example/acme"]).unwrap_err();
        assert!(same.contains("still names this address"), "{same}");
    }

    #[test]
    fn title_that_repeats_the_host_does_not_count() {
        let feed = |title: &str| Feed {
            format: FeedFormat::Rss2,
            title: Some(title.to_owned()),
            site_url: None,
            language: None,
            entries: Vec::new(),
        };
        for (known, theirs, same) in [
            ("Acme Engineering", "ACME engineering", true),
            ("Acme Engineering", "Acme Marketing", false),
            ("acme.example", "acme.example", false),
            ("Acme", "Acme", false),
            ("", "", false),
        ] {
            assert_eq!(share_a_title(&source(known), &feed(theirs)), same, "{known} {theirs}");
        }
    }
}
