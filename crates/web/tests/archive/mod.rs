//! Fills a store as a sync does, without a network.

use std::collections::HashMap;

use backissue_model::{Article, CanonicalUrl, Entry, NewSource, PollingHints, Precis, Stage};
use backissue_store::{Address, Admission, PollOutcome, Scope, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// A blog and its posts.
pub struct Blog {
    pub title: String,
    pub company: String,
    pub site: Url,
    pub posts: Vec<Post>,
}

/// A processed post.
#[derive(Clone)]
pub struct Post {
    pub url: Url,
    pub article: Article,
    pub precis: Precis,
}

const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// Processes all posts of all blogs into `store`.
pub async fn fill(store: &Store, blogs: &[Blog], now: Timestamp) -> Result<(), StoreError> {
    for blog in blogs {
        let new = NewSource {
            title: blog.title.clone(),
            company: Some(blog.company.clone()),
            site_url: Some(blog.site.clone()),
            feed_url: blog.site.join("feed.xml").ok(),
            sitemap_url: None,
            listing_url: None,
        };
        store.follow(&new, now).await?;
    }
    while let Some(claimed) = store.claim_source(now, LEASE, &[], Scope::Due).await? {
        let posts =
            blogs.iter().find(|blog| blog.title == claimed.source.title).map_or(&[][..], |blog| &blog.posts);
        let outcome = PollOutcome::Fetched {
            feed_title: None,
            site_url: None,
            language: Some("en".to_owned()),
            address: Address::Stays,
            polling_hints: PollingHints::default(),
            etag: None,
            last_modified: None,
            articles: posts.iter().filter_map(admission).collect(),
            doubtful: Vec::new(),
        };
        store
            .record_poll(&claimed, outcome, now, |_| Some(now + SignedDuration::from_hours(1)).into())
            .await?;
    }
    let posts: HashMap<&str, &Post> =
        blogs.iter().flat_map(|blog| &blog.posts).map(|post| (post.url.as_str(), post)).collect();
    while let Some(read) = store.claim_read(Stage::Discovered, now, LEASE, &[]).await? {
        store.finish_extract(&read, &posts[read.url.as_str()].article, &read.url, now).await?;
    }
    while let Some(read) = store.claim_read(Stage::Extracted, now, LEASE, &[]).await? {
        store.finish_annotate(&read, &posts[read.url.as_str()].precis, now).await?;
    }
    Ok(())
}

fn admission(post: &Post) -> Option<Admission> {
    let entry = Entry {
        url: Some(post.url.clone()),
        title: post.article.title.clone(),
        author: post.article.author.clone(),
        published: post.article.published,
        ..Entry::default()
    };
    Some(Admission { url: CanonicalUrl::of(&post.url).ok()?, entry })
}
