//! Where a feed has gone: behind a permanent redirect, or to another address on its site, with a web page in its place.
//!
//! A wrong move loses a blog, a missed one costs a redirect a poll. So a redirect is believed when it was met twice, and what a
//! page offers when it is known to be of this blog: domains change hands, and whoever parks one serves a page at every address.

use backissue_feed::{FeedError, FoundFeed, Hints};
use backissue_fetch::{Body, Response, Validators, Want};
use backissue_model::without_credentials;
use backissue_model::{CanonicalUrl, Feed, Moving, PollingHints, Source};
use backissue_store::Address;
use jiff::{SignedDuration, Timestamp};
use url::{Host, Url};

use crate::hubs;
use crate::polling::{Document, named, read};
use crate::workers::{Ingest, IngestError};

/// What an answer says of the address that was asked: a permanent redirect moves it when two good answers in a row, at least
/// `apart` from each other, ended at the same new address. Never from https to http.
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
    // A clock that was set back makes it begin anew.
    match moving.filter(|moving| moving.to == to && moving.since <= now) {
        Some(moving) if now.duration_since(moving.since) >= apart => Address::Moved(new),
        Some(moving) => Address::Moves(moving.clone()),
        None => Address::Moves(Moving { to, since: now }),
    }
}

/// Whether whoever listens on the way can do no more at the new address than at the old one.
fn is_as_safe(old: &Url, new: &Url) -> bool {
    new.scheme() == "https" || new.scheme() == old.scheme()
}

/// A feed that was found where a web page offered it, and that is this blog's.
pub(crate) struct FoundAgain {
    /// Its address.
    pub(crate) url: Url,
    pub(crate) feed: Feed,
    pub(crate) polling_hints: PollingHints,
    pub(crate) validators: Validators,
}

/// Why a web page in a feed's place leads to no feed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFoundAgain {
    #[error(
        "its feed's address gives a web page at present, though that page still names the address as its feed's; it is asked again later"
    )]
    SamePlace,
    #[error(
        "its feed's address gives a web page now, which names no other feed of this site; look for the blog's feed and follow that, \
         then unfollow this one"
    )]
    NoneOffered,
    #[error(
        "its feed's address gives a web page now, and the feed that page names could not be read ({url}: {why}); it is asked again \
         later"
    )]
    Unreadable { url: Url, why: String },
    #[error(
        "its feed's address gives a web page now, and the feed that page names ({url}) has nothing in common with what is known of \
         this blog; if it is the blog's all the same, follow that address and unfollow this one"
    )]
    Strange { url: Url },
}

impl Ingest {
    /// Looks at the feeds that the page in a feed's place offers, and takes the best one of the same site, provided that it
    /// shares an entry or its title with what is known of the source.
    pub(crate) async fn find_again(
        &self,
        source: &Source,
        offered: Vec<FoundFeed>,
    ) -> Result<Result<FoundAgain, NotFoundAgain>, IngestError> {
        let url = match best_offer(source, offered) {
            Ok(url) => url,
            Err(none) => return Ok(Err(none)),
        };
        let unreadable = |why: String| Ok(Err(NotFoundAgain::Unreadable { url: url.clone(), why }));
        let response = match self.fetcher.get(&url, Want::Feed, &Validators::default()).await {
            Ok(response) => response,
            Err(error) => return unreadable(error.to_string()),
        };
        if !is_of_site(source, &response.url) || !is_as_safe(&url, &response.url) {
            return unreadable(format!("it leads away to {}", response.url));
        }
        let Response { body, url: at, media_type, validators, links, .. } = response;
        let Body::Bytes(bytes) = body else {
            return unreadable(
                "the server answered that it has not changed, though it was never asked that".into(),
            );
        };
        let (feed, mut polling_hints) = match read(bytes, Hints { url: Some(at), media_type }).await {
            Document::Feed(found) => *found,
            Document::Page(_) => return unreadable(FeedError::WebPage.to_string()),
            Document::Other(why) => return unreadable(why),
        };
        let kin = share_a_title(source, &feed)
            || self.store.has_any_of(source.id, &named(feed.clone()).articles).await?;
        if !kin {
            return Ok(Err(NotFoundAgain::Strange { url }));
        }
        hubs::discover(&mut polling_hints, &links, Some(&url));
        Ok(Ok(FoundAgain { url, feed, polling_hints, validators }))
    }
}

/// The best of the offered feeds on the source's site, none of which is the address that gave the page.
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

/// Whether an address is on the site of the source's feed or front page: the same registrable domain.
fn is_of_site(source: &Source, url: &Url) -> bool {
    let domain = |url: &Url| match url.host()? {
        Host::Domain(name) => Some(psl::domain_str(name).unwrap_or(name).to_owned()),
        address => Some(address.to_string()),
    };
    let theirs = domain(url);
    theirs.is_some()
        && [&source.feed_url, &source.site_url].into_iter().flatten().any(|own| domain(own) == theirs)
}

/// Whether a feed has the source's title. One that only repeats the host, as those of parked domains do, says nothing.
fn share_a_title(source: &Source, feed: &Feed) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let title = letters(&source.title);
    let hosts = [&source.feed_url, &source.site_url].into_iter().flatten().filter_map(Url::host_str);
    let repeats_host = hosts.into_iter().any(|host| letters(host).contains(&title));
    !title.is_empty() && !repeats_host && feed.title.as_deref().is_some_and(|theirs| letters(theirs) == title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_model::{FeedFormat, Health, Slug, SourceId};

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_778_486_400 + hour * 3600).unwrap()
    }

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// Judges a row of answers, each at an hour and with where it leads; what is known of the address in the end.
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
    fn an_address_moves_when_two_answers_in_a_row_and_apart_say_so() {
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
    fn no_move_leads_from_https_to_http_and_none_is_told_with_credentials() {
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
        }
    }

    fn offers(urls: &[&str]) -> Vec<FoundFeed> {
        urls.iter().map(|at| FoundFeed { url: url(at), title: None, format_hint: None }).collect()
    }

    #[test]
    fn the_best_feed_of_the_same_site_is_taken() {
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
        assert!(same.contains("still names the address"), "{same}");
    }

    #[test]
    fn a_title_that_repeats_the_host_proves_nothing() {
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
