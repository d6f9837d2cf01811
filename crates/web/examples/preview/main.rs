//! Serves the pages with invented contents, for a look at them: the demo's posts, repeated in older
//! weeks.
//!
//! `cargo run -p backissue-web --example preview -- [PORT] [idle|working|offline|empty]`

#[path = "../../tests/archive/mod.rs"]
mod archive;
mod posts;

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use archive::{Blog, fill};
use backissue_model::{Fingerprint, Phase, Progress, ReaderId, SourceTrouble};
use backissue_search::{Embedders, Search};
use backissue_store::{Location, PollOutcome, Scope, Store};
use backissue_web::{FormKey, Images, Proxies, Readers, SiteSettings, State, router};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How many years back the posts are repeated.
const YEARS: i64 = 6;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "7878".to_owned());
    let state = std::env::args().nth(2).unwrap_or_default();
    let now = Timestamp::now();
    let folder = tempfile::tempdir()?;
    let store = Store::open(&Location::Sqlite(folder.path().join("preview.db")), &TimeZone::UTC).await?;
    let mut blogs = posts::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/posts"), now)?;
    if state == "empty" || state == "offline" {
        blogs.iter_mut().for_each(|blog| blog.posts.clear());
    } else {
        blogs.iter_mut().for_each(repeat_in_older_weeks);
    }
    let later = if state == "working" { blogs.split_off(4) } else { Vec::new() };
    fill(&store, &blogs, now).await?;
    if state != "working" {
        one_in_trouble(&store, now).await?;
    }
    let search = Search::open(store.clone(), &folder.path().join("index"), Embedders::default()).await?;
    let tell = |caught| {
        if let Err(error) = caught {
            eprintln!("{error}");
        }
    };
    let every = Duration::from_secs(2);
    tokio::spawn(backissue_search::follow(search.clone(), every, std::future::pending(), tell));
    let (sender, progress) = watch::channel(progress(&state, &blogs, now));
    tokio::spawn(go_on(state, store.clone(), sender, later, now));
    let site = SiteSettings { demo: true, ..SiteSettings::default() };
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    let readers = Readers::One(FormKey::of(&FormKey::new_secret()), ReaderId::ONE);
    let state = State {
        store,
        search,
        progress,
        site,
        images: Images::default(),
        readers,
        public: Some(backissue_web::Public::Articles),
        proxies: Proxies::default(),
        unsubscribe: HashMap::new(),
        subscriptions: None,
        operator: None,
        page_cache: 0,
    };
    axum::serve(listener, router(state)).await?;
    Ok(())
}

/// Older weeks have fewer posts, at uneven distances, so that there are busy and quiet weeks.
fn repeat_in_older_weeks(blog: &mut Blog) {
    let newest = blog.posts.clone();
    for round in 1..YEARS * 4 {
        for (nth, post) in newest.iter().enumerate() {
            if (nth as i64 * 7 + round * 5) % 11 < round / 3 {
                continue;
            }
            let mut older = post.clone();
            let days = round * 90 + (nth as i64 * 37 + round * round) % 80;
            older.article.published =
                older.article.published.map(|at| at - SignedDuration::from_hours(24 * days));
            older.article.fingerprint =
                older.article.fingerprint.map(|f| Fingerprint(f.0 + ((round as u128) << 64)));
            older.url.set_path(&format!("{}-{round}", post.url.path()));
            older.article.canonical_url = Some(older.url.clone());
            blog.posts.push(older);
        }
    }
}

/// Simulates a sync: one read per tick, the held-back blogs after a while, and then nothing more.
async fn go_on(
    state: String,
    store: Store,
    progress: watch::Sender<Progress>,
    later: Vec<Blog>,
    now: Timestamp,
) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    for second in 0.. {
        tick.tick().await;
        if state != "working" {
            continue;
        }
        if second == 5
            && let Err(error) = fill(&store, &later, now).await
        {
            eprintln!("the blogs held back could not be filled in: {error}");
        }
        progress.send_modify(|progress| {
            progress.sources_polled = (progress.sources_polled + 5).min(progress.sources_due);
            progress.reads_done = (progress.reads_done + 11).min(progress.reads_due);
            progress.seconds_left = Some((progress.reads_due - progress.reads_done) / 11);
            if progress.reads_done == progress.reads_due {
                progress.phase = Phase::Idle;
            }
        });
    }
}

/// Makes the next poll of one source fail.
async fn one_in_trouble(store: &Store, now: Timestamp) -> Result<(), Box<dyn Error>> {
    let scope = Scope::AllNow { since: now + SignedDuration::from_secs(1) };
    if let Some(claimed) = store.claim_source(now, SignedDuration::from_mins(1), &[], scope).await? {
        let error = "its feed answered 503 Service Unavailable; it will be asked again later".to_owned();
        let outcome = PollOutcome::Failed { error };
        store
            .record_poll(&claimed, outcome, now, |_| Some(now + SignedDuration::from_mins(50)).into())
            .await?;
    }
    Ok(())
}

fn progress(state: &str, blogs: &[Blog], now: Timestamp) -> Progress {
    let trouble = |blog: &Blog| SourceTrouble {
        source: blog.title.clone(),
        reason: "its name could not be looked up: no name server answered".to_owned(),
        offline: true,
    };
    match state {
        "offline" => Progress {
            phase: Phase::Idle,
            began: Some(now),
            sources_polled: blogs.len() as u64,
            sources_troubled: blogs.len() as u64,
            troubles: blogs.iter().map(trouble).collect(),
            ..Progress::default()
        },
        "working" | "empty" => Progress {
            phase: Phase::Working,
            began: Some(now),
            sources_due: 112,
            sources_polled: 14,
            reads_due: 1010,
            reads_done: if state == "empty" { 0 } else { 230 },
            rate: 11.2,
            seconds_left: Some(130),
            ..Progress::default()
        },
        _ => Progress { phase: Phase::Idle, ..Progress::default() },
    }
}
