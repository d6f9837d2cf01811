//! All statements that pages and workers wait for use an index.

use backissue_model::{Deck, Form, Kind, ReadId, ReaderId, Stage};

use super::harness::*;
use crate::backfills::ON_THEIR_WAY;
use crate::changes::changed_after;
use crate::database::{Database, Sql, sql_once};
use crate::pages::{Run, starts};
use crate::polls::{APPEARED, NEWEST_APPEARED, admitted_as};
use crate::practice::Drawing;
use crate::read_jobs::{
    ADMITTED_BY_ANOTHER, DueRead, NEXT_DUE, SAME_FINGERPRINT, SAME_SHORT_TEXT, last_set_aside,
};
use crate::*;

/// The database's plan for a statement, one line per step.
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
        // These two indexes hold nothing but what is asked for, in its order, so walking along them
        // is no waste.
        let exact = ["read_aside", "read_due", "read_practisable"]
            .iter()
            .any(|index| step.ends_with(&format!("INDEX {index}")));
        let scans = step.trim_start().starts_with("SCAN ") && !step.contains("CONSTANT ROW") && !exact;
        let seq = ["read", "listing", "address", "place", "article", "precis"]
            .iter()
            .any(|table| step.contains(&format!("Seq Scan on {table} ")));
        assert!(!scans && !seq, "{what} reads a whole table:\n{whole}");
        assert!(!step.contains("TEMP B-TREE"), "{what} sorts:\n{whole}");
    }
}

on_both!(queries_of_pages_and_workers_use_an_index, |db| {
    generate_with(&db.store, 10_000, 3, Articles::LongUpTo(0)).await.unwrap();
    lists(db).await;
    cards(db).await;
    let source = db.follow("Acme").await;
    db.poll(&source, (0..300).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect()).await;
    the_rest(db).await;
});

async fn lists(db: &TestDatabase) {
    let card = db.store.reads(&ReadFilter::default(), Order::Newest, None, 1).await.unwrap().items.remove(0);
    let cursor =
        Cursor { has_problem: true, filed_at: card.published.unwrap().as_millisecond(), id: card.id.0 };
    let concept = "caching".parse().ok();
    for (kind, form) in [
        (None, None),
        (Some(Kind::Tutorial), None),
        (None, Some(Form::Written)),
        (Some(Kind::Incident), Some(Form::Written)),
        (None, Some(Form::Corrected)),
        (Some(Kind::Incident), Some(Form::Corrected)),
    ] {
        for week in [None, Some(card.week)] {
            for source in [None, Some(card.source)] {
                for concept in [None, concept.clone()] {
                    let filter = ReadFilter { week, source, concept, kind, form, mine: None };
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

async fn cards(db: &TestDatabase) {
    db.run(&[
        "UPDATE read SET practisable = has_problem",
        "UPDATE listing SET practisable = has_problem WHERE list LIKE 'concept/%'",
        "UPDATE listing SET start = has_problem * (read_id % 900) WHERE list LIKE 'concept/%'",
    ])
    .await;
    let caching = "caching".parse().unwrap();
    assert_along_an_index(&db.store, "where to start", starts(&caching, 5)).await;
    assert_along_an_index(&db.store, "concepts with cards", Drawing::concepts(ReaderId::ONE)).await;
    for deck in [Deck::Shelf, Deck::Concept("caching".parse().unwrap()), Deck::Everything] {
        let what = format!("{deck:?}");
        let unseen = Drawing::unseen(ReaderId::ONE, &deck);
        assert_along_an_index(&db.store, &what, unseen.query(&[ReadId(7)])).await;
        let due = Drawing::due(ReaderId::ONE, &deck, at(9));
        assert_along_an_index(&db.store, &what, due.query(&[])).await;
    }
}

async fn the_rest(db: &TestDatabase) {
    let busy = ["bolt.example".to_owned()];
    let due = DueRead {
        now: at(9),
        until: at(99),
        stage: Stage::Discovered,
        busy: &busy,
        busy_sources: &[],
        within: "",
        ask: None,
    };
    let again = DueRead {
        now: at(9),
        until: at(99),
        stage: Stage::Annotated,
        busy: &[],
        busy_sources: &[],
        within: "",
        ask: Some("m"),
    };
    let plain = |text: &str| sql_once(text.to_owned());
    let read = db.claim(Stage::Discovered).await.unwrap();
    for (what, statement) in [
        ("a read", plain("SELECT r.id FROM read r JOIN article a ON a.read_id = r.id WHERE r.id = 7")),
        ("when a source's newest reads appeared", plain(NEWEST_APPEARED).bind(3i64).bind(APPEARED)),
        ("known addresses", sql_once(admitted_as(2)).bind_all(["a", "b"])),
        ("where a fetch ended", plain(ADMITTED_BY_ANOTHER).bind("a").bind(3i64)),
        ("a fingerprint", plain(SAME_FINGERPRINT).bind("a").bind(3i64).bind("b")),
        ("a short text", plain(SAME_SHORT_TEXT).bind("a").bind(3i64).bind("b").bind("text")),
        ("a look for what is due", due.look()),
        ("a claim", due.take(&read)),
        ("a look for what is to be annotated anew", again.look()),
        ("a claim of it", again.take(&read)),
        ("what has changed", changed_after(ChangeMark::after_version(7), 100)),
        ("what is due next", plain(NEXT_DUE).bind(9i64)),
        ("what is set aside", last_set_aside(9)),
        ("a source's reads on their way", plain(ON_THEIR_WAY).bind(3i64)),
        ("a source's places", plain("SELECT read_id FROM place WHERE source_id = 3 AND read_id IN (4, 5)")),
        ("a list's counters", plain("SELECT facet, reads FROM tally WHERE list = 'all' AND reads > 0")),
        (
            "the newest of a source",
            plain("SELECT max(filed_at) FROM listing WHERE list = 'source/1' AND has_problem = 1"),
        ),
    ] {
        assert_along_an_index(&db.store, what, statement).await;
    }
}
