//! The cost of a page must not grow with the archive: checks what the statements of all pages read.

use backissue_model::{Mark, ReaderId};
use backissue_needs::needs;
use backissue_store::{Articles, Location, Order, ReadFilter, SourceFilter, generate_with, plans};
use backissue_tests::database::Database;
use backissue_web::{FormKey, Images, Public, Readers};
use jiff::Timestamp;

use super::access::table;
use super::site_at;

/// Enough for a concept and a source with more reads than [`MOST`].
const READS: u32 = 12_000;
/// What may read more, because they are files: of up to 2,000 cards, and of all that a reader did
/// and wrote.
const LEFT_OUT: [&str; 2] = ["/practise/cards.csv", "/account/mine.json"];
/// The rows that one step may read: more than there are sources, weeks, and reads in a week.
const MOST: f64 = 1000.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_reads_what_grows_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    assert_flat(&Location::Sqlite(folder.path().join("archive.db"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_reads_what_grows_on_postgresql() {
    needs!(Postgres);
    let database = Database::create().unwrap();
    assert_flat(&Location::Postgres(database.url())).await;
}

async fn assert_flat(location: &Location) {
    let readers = Readers::one(FormKey::of("a secret of tests"), ReaderId::ONE);
    let folder = tempfile::tempdir().unwrap();
    let site = site_at(location, folder, &[], Images::default(), readers, Some(Public::Articles)).await;
    generate_with(&site.store, READS, 3, Articles::LongUpTo(0)).await.unwrap();
    let newest = site.store.reads(&ReadFilter::default(), Order::Newest, None, 3).await.unwrap().items;
    for card in &newest {
        site.store.mark(ReaderId::ONE, card.id, Mark::Keep, true, Timestamp::now()).await.unwrap();
    }
    let (id, week) = (newest[0].id, newest[0].week);
    let concepts = site.store.concepts().await.unwrap();
    let concept = &concepts[0].0;
    let sources = site.store.sources(&SourceFilter::default()).await.unwrap();
    let source = sources.iter().max_by_key(|source| source.reads).unwrap();
    assert!(concepts[0].1 as f64 > MOST && source.reads as f64 > MOST, "the lists are too short to tell");

    let address = |path: &str| {
        let path = path
            .replace("/read/{id}/{slug}", &format!("/read/{id}/{}", newest[0].slug))
            .replace("/source/{slug}", &format!("/source/{}", source.slug))
            .replace("/concept/{slug}", &format!("/concept/{concept}"))
            .replace("/sources/{slug}", &format!("/sources/{}", source.slug))
            .replace("/concepts/{slug}", &format!("/concepts/{concept}"))
            .replace("{week}", &week.to_string())
            .replace("{id}", &id.to_string());
        path.clone()
            + if path.contains("search") || path.contains("prior-art") { "?q=slow+queue" } else { "" }
    };
    let rows = table();
    let mut pages: Vec<String> =
        rows.iter().filter(|row| row.method == "GET").map(|row| address(&row.path)).collect();
    // What makes nothing of the archive, or needs a secret.
    pages.retain(|path| !path.contains('{') && !path.starts_with("/hub/"));
    pages.retain(|path| !LEFT_OUT.contains(&path.as_str()));
    pages.extend([
        format!("/read/{id}.md"),
        format!("/week/{week}.md"),
        format!("/week/{week}?kind=tutorial"),
        format!("/week/{week}?show=unread"),
        format!("/concept/{concept}.atom"),
        format!("/concept/{concept}?kind=tutorial"),
        format!("/concept/{concept}?show=unread"),
        format!("/concept/{concept}?show=kept"),
        format!("/source/{}?show=noted", source.slug),
        format!("/source/{}.json", source.slug),
        format!("/source/{}?kind=tutorial", source.slug),
        "/feed.atom?kind=incident".to_owned(),
        format!("/week/{week}?form=written"),
        format!("/concept/{concept}?form=written"),
        format!("/concept/{concept}?form=corrected"),
        "/feed.atom?form=written".to_owned(),
        "/feed.atom?kind=incident&form=corrected".to_owned(),
        format!("/practise/card?concept={concept}"),
    ]);
    let plans = plans(&site.store, async {
        for page in &pages {
            let answer = site.get(page).await;
            assert!(!answer.status.is_server_error(), "{page} answers {}", answer.status);
        }
    });
    let plans = plans.await.unwrap();
    assert!(plans.len() > 30, "{} statements of {} pages", plans.len(), pages.len());
    let growing: Vec<String> = plans
        .iter()
        .filter(|plan| !plan.steps_over(MOST).is_empty())
        .map(|plan| format!("{}\n{}", plan.statement, plan.steps.join("\n")))
        .collect();
    assert!(growing.is_empty(), "these read what grows with the archive:\n\n{}", growing.join("\n\n"));
}
