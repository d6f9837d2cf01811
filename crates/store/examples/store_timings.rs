//! Measures the store at a given size: `cargo run --release -p backissue-store --example
//! store_timings -- 10000`
//!
//! The second argument can be the `postgres://` address of an empty database; otherwise it uses a
//! temporary SQLite file. Prints medians and maxima of many runs.

use std::time::{Duration, Instant};

use backissue_model::{Article, Fingerprint, Kind, MadeBy, PollingHints, Precis, Stage};
use backissue_store::{
    Address, Admission, Finished, Location, Order, PollOutcome, ReadFilter, Scope, Store, generate,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const LEASE: SignedDuration = SignedDuration::from_mins(10);
const RUNS: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let reads: u32 = arguments.next().as_deref().unwrap_or("10000").parse()?;
    let folder = tempfile::TempDir::new()?;
    let location = match arguments.next() {
        Some(url) => url.parse()?,
        None => Location::Sqlite(folder.path().join("archive.sqlite")),
    };
    let store = Store::open(&location, &TimeZone::UTC).await?;
    let began = Instant::now();
    generate(&store, reads, 1).await?;
    println!("{location}: {reads} reads in {:.1} s", began.elapsed().as_secs_f64());
    pages(&store).await?;
    way(&store).await?;
    for finding in store.check().await {
        println!("{:>14}: {} ({})", finding.name, if finding.ok { "good" } else { "WRONG" }, finding.detail);
    }
    store.close().await;
    Ok(())
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what:<42} {:>9.3} ms  slowest {:>9.3} ms",
        median.as_secs_f64() * 1e3,
        slowest.as_secs_f64() * 1e3
    );
}

macro_rules! measure {
    ($what:expr, $n:ident, $run:expr) => {{
        let mut times = Vec::new();
        for $n in 0..RUNS {
            let began = Instant::now();
            $run;
            times.push(began.elapsed());
        }
        tell($what, times);
    }};
}

async fn pages(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let weeks = store.weeks().await?;
    let week = |n: usize| ReadFilter { week: Some(weeks[n * 5 % weeks.len()].week), ..ReadFilter::default() };
    measure!(
        "reads(a week, problems first, 50)",
        n,
        store.reads(&week(n), Order::ProblemsFirst, None, 50).await?
    );
    measure!("facets(a week)", n, store.facets(&week(n)).await?);
    measure!("weeks()", _n, store.weeks().await?);
    let all = store.reads(&ReadFilter::default(), Order::Newest, None, 100).await?;
    measure!(
        "reads(all, newest, 50)",
        _n,
        store.reads(&ReadFilter::default(), Order::Newest, None, 50).await?
    );
    let of_source = |n: usize| ReadFilter { source: Some(all.items[n].source), ..ReadFilter::default() };
    measure!("reads(a source, 50)", n, store.reads(&of_source(n), Order::ProblemsFirst, None, 50).await?);
    let caching = ReadFilter { concept: "caching".parse().ok(), ..ReadFilter::default() };
    measure!("reads(a concept, 50)", _n, store.reads(&caching, Order::ProblemsFirst, None, 50).await?);
    let both = |n: usize| ReadFilter {
        source: Some(all.items[n].source),
        kind: Some(Kind::Event),
        ..caching.clone()
    };
    measure!(
        "reads(a source, a concept, a kind, 50)",
        n,
        store.reads(&both(n), Order::Newest, None, 50).await?
    );
    measure!("facets(a concept)", _n, store.facets(&caching).await?);
    measure!("read(id)", n, store.read(all.items[n].id).await?);
    measure!("sources()", _n, store.sources(&backissue_store::SourceFilter::default()).await?);
    measure!("archive_version()", _n, store.archive_version().await?);
    Ok(())
}

fn entries(round: usize) -> Result<Vec<Admission>, Box<dyn std::error::Error>> {
    let mut admissions = Vec::new();
    for n in 0..100 {
        let url: backissue_model::CanonicalUrl = format!("https://fresh.example/{round}/{n}").parse()?;
        let entry = backissue_model::Entry {
            url: Some(url.as_url().clone()),
            title: Some(format!("Post {n} of round {round}")),
            content: Some("<p>What the feed carries of it.</p>".repeat(200)),
            ..backissue_model::Entry::default()
        };
        admissions.push(Admission { url, entry });
    }
    Ok(admissions)
}

async fn way(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let mut now = Timestamp::now();
    let mut times = [const { Vec::new() }; 2];
    for round in 0..30 {
        for times in &mut times {
            now += SignedDuration::from_secs(1);
            let scope = Scope::AllNow { since: now };
            let claimed = store.claim_source(now, LEASE, &[], scope).await?.ok_or("no source is free")?;
            let outcome = PollOutcome::Fetched {
                feed_title: None,
                site_url: None,
                language: None,
                address: Address::Stays,
                polling_hints: PollingHints::default(),
                etag: None,
                last_modified: None,
                articles: entries(round)?,
                doubtful: Vec::new(),
            };
            let began = Instant::now();
            store.record_poll(&claimed, outcome, now, |_| Some(now + LEASE).into()).await?;
            times.push(began.elapsed());
        }
    }
    let [new, known] = times;
    tell("record_poll(100 new entries)", new);
    tell("record_poll(100 known, new place)", known);
    let mut claims = Vec::new();
    let mut extracts = Vec::new();
    let mut annotates = Vec::new();
    for n in 0..RUNS {
        let began = Instant::now();
        let read = store.claim_read(Stage::Discovered, now, LEASE, &[]).await?.ok_or("nothing to fetch")?;
        claims.push(began.elapsed());
        let article = article(n);
        let began = Instant::now();
        store.finish_extract(&read, &article, &read.url, now).await?;
        extracts.push(began.elapsed());
        let read = store.claim_read(Stage::Extracted, now, LEASE, &[]).await?.ok_or("nothing to annotate")?;
        let began = Instant::now();
        let finished = store.finish_annotate(&read, &precis(), now).await?;
        annotates.push(began.elapsed());
        assert_eq!(finished, Finished::Done);
    }
    tell("claim_read(discovered)", claims);
    tell("finish_extract", extracts);
    tell("finish_annotate", annotates);
    Ok(())
}

fn article(n: usize) -> Article {
    let text = format!("Article {n}. ") + &"It tells of queues and caches. ".repeat(300);
    Article {
        canonical_url: None,
        title: None,
        author: None,
        published: None,
        site_name: None,
        description: None,
        language: None,
        html: format!("<p>{text}</p>").repeat(2),
        blocks: Default::default(),
        words: 1500,
        minutes: 7,
        fingerprint: Some(Fingerprint(n as u128)),
        text,
    }
}

fn precis() -> Precis {
    Precis {
        kind: Kind::Incident,
        problem: None,
        approach: None,
        outcome: None,
        concepts: ["caching", "queues", "storage"].iter().filter_map(|c| c.parse().ok()).collect(),
        technologies: Vec::new(),
        made_by: MadeBy {
            annotator: "timing".into(),
            version: "1".into(),
            model: None,
            prompt_version: None,
        },
    }
}
