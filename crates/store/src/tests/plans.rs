//! Every statement that pages and workers wait for runs along an index.

use backissue_model::Kind;

use super::harness::*;
use crate::database::{Database, Sql, sql_once};
use crate::pages::Run;
use crate::*;

/// The database's plan for a statement, a line a step.
async fn plan(store: &Store, statement: Sql) -> Vec<String> {
    let explain = match store.database {
        Database::Sqlite { .. } => "EXPLAIN QUERY PLAN ",
        Database::Postgres(_) => "EXPLAIN ",
    };
    let column = match store.database {
        Database::Sqlite { .. } => "detail",
        Database::Postgres(_) => "QUERY PLAN",
    };
    let statement = statement.with_prefix(explain);
    store.database.rows(statement).await.unwrap().iter().map(|row| row.text(column).unwrap()).collect()
}

async fn assert_along_an_index(store: &Store, what: &str, statement: Sql) {
    let plan = plan(store, statement).await;
    let whole = plan.join("\n");
    println!("{what}:\n{whole}\n");
    for step in &plan {
        // These two indexes hold nothing but what is asked for, in its order, so walking along them is no waste.
        let exact = ["read_aside", "read_due"].iter().any(|index| step.ends_with(&format!("INDEX {index}")));
        let scans = step.trim_start().starts_with("SCAN ") && !step.contains("CONSTANT ROW") && !exact;
        let seq = ["read", "listing", "address", "place", "article", "precis"]
            .iter()
            .any(|table| step.contains(&format!("Seq Scan on {table} ")));
        assert!(!scans && !seq, "{what} reads a whole table:\n{whole}");
        assert!(!step.contains("TEMP B-TREE"), "{what} sorts:\n{whole}");
    }
}

on_both!(whatever_pages_and_workers_wait_for_runs_along_an_index, |db| {
    generate(&db.store, 10_000, 3).await.unwrap();
    lists(db).await;
    let source = db.follow("Acme").await;
    db.poll(&source, (0..300).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect()).await;
    the_rest(db).await;
});

async fn lists(db: &TestDatabase) {
    let card = db.store.reads(&ReadFilter::default(), Order::Newest, None, 1).await.unwrap().items.remove(0);
    let cursor =
        Cursor { has_problem: true, filed_at: card.published.unwrap().as_millisecond(), id: card.id.0 };
    let concept = "caching".parse().ok();
    for kind in [None, Some(Kind::Tutorial)] {
        for week in [None, Some(card.week)] {
            for source in [None, Some(card.source)] {
                for concept in [None, concept.clone()] {
                    let filter = ReadFilter { week, source, concept, kind };
                    let run = Run::of(&db.store, &filter).await.unwrap();
                    for after in [None, Some(&cursor)] {
                        let what = format!("{filter:?}");
                        assert_along_an_index(&db.store, &what, run.query(true, after, 51)).await;
                    }
                }
            }
        }
    }
}

async fn the_rest(db: &TestDatabase) {
    for (what, statement) in [
        ("a read", "SELECT r.id FROM read r JOIN article a ON a.read_id = r.id WHERE r.id = 7"),
        ("an address", "SELECT read_id FROM address WHERE key IN ('a', 'b')"),
        ("a fingerprint", "SELECT id FROM read WHERE fingerprint = 'a' AND id <> 3"),
        (
            "a claim",
            "SELECT id FROM read WHERE stage = 'discovered' AND due_at IS NOT NULL AND due_at <= 9
             AND host NOT IN ('a') ORDER BY filed_at DESC, id DESC LIMIT 1",
        ),
        ("what is due next", "SELECT min(due_at) FROM read WHERE due_at IS NOT NULL"),
        (
            "what is set aside",
            "SELECT id FROM read WHERE due_at IS NULL AND stage <> 'annotated' ORDER BY failed_at DESC, id DESC LIMIT 9",
        ),
        ("a source's places", "SELECT read_id FROM place WHERE source_id = 3 AND read_id IN (4, 5)"),
        ("a list's counters", "SELECT facet, reads FROM tally WHERE list = 'all' AND reads > 0"),
        (
            "the newest of a source",
            "SELECT max(filed_at) FROM listing WHERE list = 'source/1' AND has_problem = 1",
        ),
    ] {
        assert_along_an_index(&db.store, what, sql_once(statement.to_owned())).await;
    }
}
