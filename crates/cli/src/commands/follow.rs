//! `backissue follow`: follows the blog at an address. Prompts if a site has several feeds.

use std::io::IsTerminal;

use anyhow::{Context, bail};
use backissue_crawl::FoundFeed;
use backissue_ingest::{FeedAt, Found, ask_backfill, fetch_feed, find, listed_source};
use backissue_model::{NewSource, without_credentials};
use backissue_store::{Extent, Follow, SourceChange, Store};
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use crate::args::FollowArgs;
use crate::commands::{source, starter};
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, STRONG, say};
use crate::settings::Settings;

/// Follows a blog, or all blogs of a group of the starter list.
pub async fn run(args: FollowArgs, settings: Settings) -> anyhow::Result<Outcome> {
    open::check(&settings)?;
    let news = match (&args.url, &args.group) {
        (Some(url), _) => vec![one(url, &args, &settings).await?],
        (None, Some(group)) => match group_of(group, &settings)? {
            Some(sources) => sources,
            None => return Ok(Outcome::NotThere),
        },
        (None, None) => bail!("name an address to follow, or a group of the starter list with --group"),
    };
    let store = open::store_or_new(&settings).await?;
    let mut followed = Vec::new();
    let names =
        SourceChange { title: args.title.clone(), company: args.company.clone(), ..SourceChange::default() };
    for new in &news {
        let Follow { source, is_new } = store.follow(new, Timestamp::now()).await?;
        // The names apply to a blog that is already followed, too.
        let source = if is_new { source } else { source::changed(&store, source, &names).await? };
        followed.push(Follow { source, is_new });
    }
    if args.backfill {
        for Follow { source, .. } in followed.iter().filter(|f| f.source.feed_url.is_some()) {
            ask_backfill(&store, source, Extent::default()).await?;
        }
    }
    if args.json {
        let rows: Vec<_> = followed.iter().map(|f| json!({ "new": f.is_new, "source": f.source })).collect();
        output::json(&rows)?;
    } else {
        tell(&followed, &names, args.backfill)?;
    }
    Ok(Outcome::Fine)
}

fn tell(followed: &[Follow], names: &SourceChange, backfill: bool) -> anyhow::Result<()> {
    for Follow { source, is_new } in followed {
        let address = source.feed_url.as_ref().or(source.listing_url.as_ref()).or(source.site_url.as_ref());
        let address = address.map(without_credentials);
        let verb = match (is_new, names.is_empty()) {
            (true, _) => "Following",
            (false, true) => "Already following",
            (false, false) => "Already following, now as",
        };
        let address = address.as_ref().map_or("", Url::as_str);
        say!("{verb} {STRONG}{}{PLAIN} ({}) {address}", source.title, source.slug)?;
        if source.feed_url.is_none() {
            say!(
                "  It has no feed: the page or the sitemap that lists its articles is polled. `backissue backfill --dry-run {}` says \
                 what of it is taken, and why.",
                source.slug
            )?;
        }
    }
    if followed.iter().any(|f| f.is_new) {
        say!("`backissue sync` fetches now; a running `backissue serve` does so by itself.")?;
    }
    let with_feed: Vec<&str> =
        followed.iter().filter(|f| f.source.feed_url.is_some()).map(|f| f.source.slug.as_str()).collect();
    match (backfill, with_feed.as_slice()) {
        (_, []) => {}
        (true, _) => say!("What was published before is looked for after that.")?,
        (false, [one]) => {
            say!("Its feed has its newest articles; `backissue backfill {one}` gets those before.")?
        }
        (false, _) => say!("Feeds have the newest articles; `backissue backfill` gets those before.")?,
    }
    Ok(())
}

async fn one(url: &Url, args: &FollowArgs, settings: &Settings) -> anyhow::Result<NewSource> {
    let fetcher = open::fetcher(settings)?;
    let feed = match find(&fetcher, url).await? {
        Found::List { url, .. } => {
            let (title, company) = (args.title.clone().unwrap_or_default(), args.company.clone());
            return Ok(NewSource { title, company, ..listed_source(url) });
        }
        Found::One(feed) => {
            tell_beside(url, &feed);
            *feed
        }
        Found::Several(feeds) => {
            let chosen = choose(url, feeds, args.pick)?;
            fetch_feed(&fetcher, &chosen, Some(url.clone())).await?
        }
    };
    Ok(named(feed, args))
}

/// Prints which of a page's feeds is followed, if the page has others that people seldom want.
fn tell_beside(site: &Url, feed: &FeedAt) {
    if feed.beside.is_empty() {
        return;
    }
    let line =
        |title: Option<&str>, url: &Url| format!("{}  {url}", title.unwrap_or_default()).trim().to_owned();
    let taken = line(feed.feed.title.as_deref(), &feed.url);
    let others = feed.beside.iter().map(|other| line(other.title.as_deref(), &other.url));
    let numbered: Vec<String> = std::iter::once(taken)
        .chain(others)
        .enumerate()
        .map(|(n, label)| format!("  {}. {}", n + 1, output::safe(&label)))
        .collect();
    anstream::eprintln!(
        "{site} names several feeds; the first is taken, and another is followed by its own address:\n{}",
        numbered.join("\n")
    );
}

fn named(feed: FeedAt, args: &FollowArgs) -> NewSource {
    let mut new = feed.into_source();
    if let Some(title) = &args.title {
        new.title.clone_from(title);
    }
    new.company.clone_from(&args.company);
    new
}

fn choose(site: &Url, feeds: Vec<FoundFeed>, pick: Option<usize>) -> anyhow::Result<Url> {
    let labels: Vec<String> = feeds
        .iter()
        .map(|f| f.title.as_ref().map_or_else(|| f.url.to_string(), |t| format!("{t}  {}", f.url)))
        .collect();
    let index = match pick {
        Some(number) => number.checked_sub(1).filter(|i| *i < feeds.len()).with_context(|| {
            format!("{site} has {} feeds; --pick takes a number from 1 to {}", feeds.len(), feeds.len())
        })?,
        None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => dialoguer::Select::new()
            .with_prompt(format!("{site} has several feeds; which one"))
            .items(&labels)
            .default(0)
            .interact()?,
        None => {
            let numbered: Vec<String> =
                labels.iter().enumerate().map(|(n, label)| format!("  {}. {label}", n + 1)).collect();
            bail!(
                "{site} has several feeds; say which with --pick NUMBER, or follow one by its own address:\n{}",
                numbered.join("\n")
            );
        }
    };
    Ok(feeds.into_iter().nth(index).context("the choice is one of the feeds")?.url)
}

fn group_of(group: &str, settings: &Settings) -> anyhow::Result<Option<Vec<NewSource>>> {
    let list = open::starter(settings)?;
    let found = list.groups.iter().find(|g| g.slug.as_str() == group);
    if found.is_none() {
        starter::tell_unknown_group(&list, group);
    }
    Ok(found.map(|g| g.sources.iter().map(NewSource::from).collect()))
}

/// A flag in the archive: the starter list was offered. It is then not offered again after a person
/// has unfollowed everything.
const STARTER_OFFERED: &str = "starter-offered";

/// Follows the first group of the starter list if the archive has never followed anything. Returns
/// the number of blogs.
pub async fn first_dozen(store: &Store, settings: &Settings) -> anyhow::Result<usize> {
    if store.flag(STARTER_OFFERED).await?.is_some() {
        return Ok(0);
    }
    let list = open::starter(settings)?;
    let untouched = store.sources(&backissue_store::SourceFilter::default()).await?.is_empty();
    let first = if untouched { list.first() } else { &[] };
    for source in first {
        store.follow(&source.into(), Timestamp::now()).await?;
    }
    store.set_flag(STARTER_OFFERED, "yes").await?;
    Ok(first.len())
}
