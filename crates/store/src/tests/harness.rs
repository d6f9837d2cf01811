//! A separate database for each test, on SQLite and on PostgreSQL.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use backissue_model::{
    Article, Blocks, CanonicalUrl, ConceptSlug, Entry, Evidence, Fingerprint, Form, Kind, MadeBy, NewSource,
    PollingHints, Precis, ReadId, Source, Stage, Statement, minutes_to_read,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;

use crate::database::sql;
use crate::migrations::POSTGRES;
use crate::*;

/// Makes a test of the body for each database.
macro_rules! on_both {
    ($(#[$meta:meta])* $name:ident, |$db:ident| $body:block) => {
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn run($db: &crate::tests::harness::TestDatabase) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let db = crate::tests::harness::TestDatabase::sqlite().await;
                run(&db).await;
                db.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                backissue_needs::needs!(Postgres);
                let db = crate::tests::harness::TestDatabase::postgres().await;
                run(&db).await;
                db.remove().await;
            }
        }
    };
}
pub(crate) use on_both;

pub(crate) struct TestDatabase {
    pub(crate) location: Location,
    pub(crate) store: Store,
    pub(crate) made: Made,
}

pub(crate) enum Made {
    Folder(TempDir),
    Database { server: String, name: String },
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The PostgreSQL server for tests.
pub(crate) fn server() -> String {
    backissue_needs::postgres().unwrap()
}

fn location_on(server: &str, database: &str) -> Location {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(database);
    Location::from_str(url.as_str()).unwrap()
}

/// The name of a database with all migrations, from which those of the tests are copied. The first
/// test makes it, and it stays for the next run.
async fn migrated() -> String {
    let server = server();
    let steps: Vec<u8> = POSTGRES.iter().flat_map(|step| step.checksum.to_vec()).collect();
    let name = format!("backissue_migrated_{:x}", xxhash_rust::xxh3::xxh3_64(&steps));
    let mut admin = PgConnection::connect(&server).await.unwrap();
    // Other tests wait here, also those of other processes, until this connection is closed.
    admin.execute("SELECT pg_advisory_lock(20261130)").await.unwrap();
    let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&name);
    if found.fetch_optional(&mut admin).await.unwrap().is_none() {
        let draft = format!("{name}_draft");
        admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"))).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {draft}"))).await.unwrap();
        Store::open(&location_on(&server, &draft), &TimeZone::UTC).await.unwrap().close().await;
        admin.execute(AssertSqlSafe(format!("ALTER DATABASE {draft} RENAME TO {name}"))).await.unwrap();
    }
    admin.close().await.unwrap();
    name
}

impl TestDatabase {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let location = Location::Sqlite(folder.path().join("data").join("archive.sqlite"));
        let store = Store::open(&location, &TimeZone::UTC).await.unwrap();
        Self { location, store, made: Made::Folder(folder) }
    }

    pub(crate) async fn postgres() -> Self {
        let (location, made) = Self::postgres_from(Some(migrated().await)).await;
        let store = Store::open(&location, &TimeZone::UTC).await.unwrap();
        Self { location, store, made }
    }

    pub(crate) async fn postgres_empty() -> (Location, Made) {
        Self::postgres_from(None).await
    }

    /// A copy of the database `template`, or an empty database.
    async fn postgres_from(template: Option<String>) -> (Location, Made) {
        let server = server();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("backissue_test_{}_{number}", std::process::id());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await.unwrap();
        let of = template.map_or_else(String::new, |template| format!(" TEMPLATE {template}"));
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}{of}"))).await.unwrap();
        (location_on(&server, &name), Made::Database { server, name })
    }

    /// A second store with its own connections, like another process.
    pub(crate) async fn open_again(&self) -> Store {
        Store::open(&self.location, &TimeZone::UTC).await.unwrap()
    }

    /// Runs statements in one transaction.
    pub(crate) async fn run(&self, statements: &[&'static str]) {
        let mut tx = self.store.database.begin().await.unwrap();
        for statement in statements {
            tx.run(sql(statement)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Undoes migrations, and opens the archive as one of an older program.
    pub(crate) async fn as_older(&self, undo: &[&'static str]) -> Store {
        self.run(undo).await;
        self.open_again().await
    }

    pub(crate) fn sqlite_path(&self) -> Option<PathBuf> {
        match &self.location {
            Location::Sqlite(path) => Some(path.clone()),
            Location::Postgres(_) => None,
        }
    }

    /// Each test ends with the store's own checks.
    pub(crate) async fn remove(self) {
        self.assert_sound().await;
        self.store.close().await;
        match self.made {
            Made::Folder(folder) => folder.close().unwrap(),
            Made::Database { server, name } => {
                let mut admin = PgConnection::connect(&server).await.unwrap();
                admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
            }
        }
    }

    pub(crate) async fn assert_sound(&self) {
        for finding in self.store.check().await {
            assert!(finding.ok, "{}: {}", finding.name, finding.detail);
        }
    }

    pub(crate) async fn follow(&self, name: &str) -> Source {
        self.store.follow(&blog(name), at(0)).await.unwrap().source
    }

    /// Polls only this source and records these entries.
    pub(crate) async fn poll(&self, source: &Source, admissions: Vec<Admission>) -> Admitted {
        poll(&self.store, source, admissions).await
    }

    /// Annotated reads of one new source, in the order of their addresses.
    pub(crate) async fn annotated(&self, admissions: impl Iterator<Item = Admission>) -> Vec<ReadId> {
        let acme = self.follow("Acme").await;
        self.poll(&acme, admissions.collect()).await;
        let mut done = self.finish_all().await;
        done.sort();
        done
    }

    /// The same, without dates, at addresses that end with these numbers.
    pub(crate) async fn annotated_numbers(&self, numbers: &[u32]) -> Vec<ReadId> {
        self.annotated(numbers.iter().map(|n| entry(&format!("https://acme.example/{n}"), None))).await
    }

    /// Claims the next read of the stage.
    pub(crate) async fn claim(&self, stage: Stage) -> Option<ClaimedRead> {
        self.store.claim_read(stage, at(1000), LEASE, &[]).await.unwrap()
    }

    /// Stores an article and a précis for all admitted reads, each with a different text.
    pub(crate) async fn finish_all(&self) -> Vec<ReadId> {
        let mut done = Vec::new();
        while let Some(read) = self.claim(Stage::Discovered).await {
            let article = article(&format!("Text of {}", read.url));
            self.store.finish_extract(&read, &article, &read.url, at(1000)).await.unwrap();
        }
        while let Some(read) = self.claim(Stage::Extracted).await {
            let precis = precis(&read, Kind::CaseStudy, true, &["caching"]);
            assert_eq!(self.store.finish_annotate(&read, &precis, at(1000)).await.unwrap(), Finished::Done);
            done.push(read.id);
        }
        done
    }
}

pub(crate) const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// Seconds after noon of Wednesday, 13 May 2026.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_778_673_600 + seconds).unwrap()
}

pub(crate) fn blog(name: &str) -> NewSource {
    NewSource {
        title: format!("{name} Engineering"),
        company: Some(name.to_owned()),
        site_url: format!("https://{}.example/", name.to_lowercase()).parse().ok(),
        feed_url: format!("https://{}.example/feed.xml", name.to_lowercase()).parse().ok(),
        sitemap_url: None,
        listing_url: None,
    }
}

pub(crate) async fn claim_only(store: &Store, source: &Source, now: Timestamp) -> ClaimedSource {
    let others: Vec<String> = store
        .sources(&SourceFilter::default())
        .await
        .unwrap()
        .iter()
        .filter(|other| other.id != source.id)
        .filter_map(|other| other.feed_url.as_ref()?.host_str().map(str::to_owned))
        .collect();
    let scope = Scope::AllNow { since: now };
    let claimed = store.claim_source(now, LEASE, &others, scope).await.unwrap().expect("the source is free");
    assert_eq!(claimed.source.id, source.id);
    claimed
}

pub(crate) async fn poll(store: &Store, source: &Source, admissions: Vec<Admission>) -> Admitted {
    let last = store.source(source.id).await.unwrap().unwrap().health.last_poll.unwrap_or(at(0));
    let now = last.checked_add(SignedDuration::from_secs(1)).unwrap();
    let claimed = claim_only(store, source, now).await;
    let next = now.checked_add(SignedDuration::from_hours(1)).unwrap();
    store.record_poll(&claimed, fetched(admissions), now, |_| Some(next).into()).await.unwrap()
}

pub(crate) fn fetched(articles: Vec<Admission>) -> PollOutcome {
    PollOutcome::Fetched {
        feed_title: Some("A feed's own title".into()),
        site_url: None,
        language: Some("en-GB".into()),
        address: Address::Stays,
        polling_hints: PollingHints::default(),
        etag: Some("\"1\"".into()),
        last_modified: None,
        articles,
        doubtful: Vec::new(),
    }
}

pub(crate) fn canonical(url: &str) -> CanonicalUrl {
    url.parse().unwrap()
}

/// An entry with a date such as `2026-05-13`, or without date.
pub(crate) fn entry(url: &str, day: Option<&str>) -> Admission {
    let url = canonical(url);
    let entry = Entry {
        id: Some(url.to_string()),
        url: Some(url.as_url().clone()),
        title: Some(format!("About {}", url.as_url().path())),
        published: day.map(|day| format!("{day}T09:30:00Z").parse().unwrap()),
        summary: Some("<p>What it is about</p>".into()),
        tags: vec!["rust".into()],
        ..Entry::default()
    };
    Admission { url, entry }
}

pub(crate) fn article(text: &str) -> Article {
    let words = u32::try_from(text.split_whitespace().count()).unwrap();
    Article {
        canonical_url: None,
        title: None,
        author: Some("Ada".into()),
        published: None,
        site_name: Some("A site".into()),
        description: None,
        language: Some("en".into()),
        html: format!("<p>{text}</p>"),
        text: text.to_owned(),
        blocks: Blocks::default(),
        words,
        minutes: minutes_to_read(words),
        fingerprint: Some(Fingerprint(xxhash_rust::xxh3::xxh3_128(text.as_bytes()))),
    }
}

pub(crate) fn precis(read: &ClaimedRead, kind: Kind, has_problem: bool, concepts: &[&str]) -> Precis {
    let text = &read.article.as_ref().expect("an extracted read has its article").text;
    let evidence = Evidence::at(text, 0, 4).expect("texts of tests have four letters");
    Precis {
        kind,
        problem: has_problem.then(|| Statement {
            text: format!("The problem of {}", read.url),
            evidence: vec![evidence],
            confidence: 0.5,
            form: Form::Quoted,
        }),
        approach: None,
        outcome: None,
        concepts: concepts.iter().map(|c| c.parse::<ConceptSlug>().unwrap()).collect(),
        technologies: vec!["Cassandra".into()],
        made_by: MadeBy {
            annotator: "built-in".into(),
            version: "1".into(),
            model: None,
            prompt_version: None,
        },
    }
}

/// A whole list, page by page.
pub(crate) async fn whole_list(
    store: &Store,
    filter: &ReadFilter,
    order: Order,
    limit: u32,
) -> Vec<ReadCard> {
    let mut cards = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = store.reads(filter, order, after.as_ref(), limit).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        cards.extend(page.items);
        match page.next {
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return cards,
        }
    }
}
