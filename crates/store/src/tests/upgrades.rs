//! Upgrades without stopping: a newer program adds columns while an older one works.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

use backissue_model::{
    Correction, Deck, Event, Mark, PollingHints, Quote, Rated, Rating, ReadField, ReadId, ReaderId, Role,
    Source, Stage,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::harness::*;
use crate::database::sql_of;
use crate::migrations::TABLES;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;
const HUB: &str = "https://hub.example/";

fn at_once(_history: &[Rated], _zone: &TimeZone) -> Timestamp {
    at(0)
}

/// Follows a new blog with a hub, and brings its two reads through all stages.
async fn work(db: &TestDatabase, round: u32) -> (Source, Vec<ReadId>) {
    let store = &db.store;
    let source = db.follow(&format!("Blog{round}")).await;
    let url = |n: u32| format!("https://blog{round}.example/{n}");
    let mut outcome = fetched(vec![entry(&url(1), Some("2026-05-12")), entry(&url(2), None)]);
    let PollOutcome::Fetched { polling_hints, .. } = &mut outcome else { unreachable!() };
    *polling_hints =
        PollingHints { hub: HUB.parse().ok(), topic: source.feed_url.clone(), ..PollingHints::default() };
    let claimed = claim_only(store, &source, at(1)).await;
    store.record_poll(&claimed, outcome, at(1), |_| Some(at(90_000)).into()).await.unwrap();
    let names = HubNames { token: format!("token-{round}"), secret: "secret".into() };
    let hub = store.claim_subscription(at(2), LEASE, &[], &names).await.unwrap().unwrap();
    store.record_subscription(&hub, None, at(80_000)).await.unwrap();
    assert!(store.subscription(&names.token).await.unwrap().is_some());

    store.ask_backfill(source.id, "blog.example", Extent::default(), str::to_owned, at(2)).await.unwrap();
    let search = store.claim_backfill(at(3), LEASE, &[]).await.unwrap().unwrap();
    let step = BackfillStep {
        plan: String::new(),
        host: "blog.example".into(),
        admissions: vec![entry(&url(1), None)],
        found_by: FoundBy::Backfill,
        document: true,
        error: None,
        next: NextStep::Finished,
    };
    store.record_backfill(&search, step, at(4)).await.unwrap();
    assert!(store.reach(source.id).await.unwrap().backfill.is_some());

    let failing = db.claim(Stage::Discovered).await.unwrap();
    store.fail(&failing, "no answer", at(1000), Retry::SetAside).await.unwrap();
    assert_eq!(store.set_aside(9).await.unwrap().len(), 1);
    assert_eq!(store.retry_set_aside().await.unwrap(), 1);
    let mut reads = db.finish_all().await;
    reads.sort();
    assert_eq!(reads.len(), 2);
    store.ask_for(&Selection::These(vec![reads[0]]), "mine", at(1000)).await.unwrap();
    let again = store.claim_again("mine", at(1000), LEASE).await.unwrap().unwrap();
    let made = precis(&again, backissue_model::Kind::Incident, true, &["queues"]);
    store.finish_again(&again, &made, &[], at(1001)).await.unwrap();
    (source, reads)
}

/// What a reader does with reads, and what lists show of it.
async fn practise_and_note(db: &TestDatabase, read: ReadId, other: ReadId) {
    let store = &db.store;
    store.mark(ONE, read, Mark::Keep, true, at(5)).await.unwrap();
    let note = store.note(ONE, read).await.unwrap();
    store.save_note(ONE, read, &"Mine".parse().unwrap(), note.version, at(5)).await.unwrap();
    store.add_label(ONE, read, &"later".parse().unwrap(), at(5)).await.unwrap();
    let quote = Quote::new("Text", "", "").unwrap();
    store.add_highlight(ONE, read, &quote, &"".parse().unwrap(), at(5)).await.unwrap();
    let answer = store.answer_card(ONE, other, &"Shard it".parse().unwrap(), at(5)).await.unwrap();
    store.rate_card(ONE, answer.id, Rating::Good, at_once).await.unwrap();
    let title = Correction::of(ReadField::Title, "On queues").unwrap();
    store.correct(read, &[title], &[], at(5)).await.unwrap();

    let shelf = ShelfFilter::default();
    assert!(!store.shelf(ONE, &shelf, ShelfOrder::Kept, None, 9).await.unwrap().items.is_empty());
    assert!(!store.notes(ONE, "", None, 9).await.unwrap().items.is_empty());
    assert!(!store.own_file(ONE).await.unwrap().reads.is_empty());
    assert!(!store.stream_items(ONE, &[read, other]).await.unwrap().is_empty());
    assert!(!store.unread_by_source(ONE).await.unwrap().is_empty());
    store.decks(ONE).await.unwrap();
    store.deck(ONE, &Deck::Shelf, 9).await.unwrap();
    store.draw(ONE, &Deck::Everything, &[], at(9)).await.unwrap();
}

/// What pages show, and what follows the archive.
async fn look(db: &TestDatabase, source: &Source, read: ReadId) {
    let store = &db.store;
    let page = store.read(read).await.unwrap().unwrap();
    assert_eq!(store.card(read).await.unwrap().unwrap(), page.card);
    store.beside(&page.card).await.unwrap();
    store.facets(&ReadFilter::default()).await.unwrap();
    store.start_with(&"queues".parse().unwrap(), 5).await.unwrap();
    assert!(!whole_list(store, &ReadFilter::default(), Order::ProblemsFirst, 3).await.is_empty());
    assert!(!store.weeks().await.unwrap().is_empty() && !store.concepts().await.unwrap().is_empty());
    assert!(!store.sources(&SourceFilter::default()).await.unwrap().is_empty());
    assert_eq!(store.source_by_slug(source.slug.as_str()).await.unwrap().unwrap().id, source.id);
    assert!(!store.changes(ChangeMark::default(), 100).await.unwrap().reads.is_empty());
    assert!(!store.annotated(&Selection::All, ReadId(0), 9).await.unwrap().is_empty());
    store.reader_week(ONE, page.card.week).await.unwrap();
    store.tally(at(9)).await.unwrap();
    store.queues(at(9)).await.unwrap();
    store.next_due(at(9)).await.unwrap();
    db.assert_sound().await;
}

/// Accounts, programs and messages.
async fn others(db: &TestDatabase, round: u32) {
    let store = &db.store;
    let anna = store.add_reader(&format!("anna{round}").parse().unwrap(), Role::Reader).await.unwrap();
    let anna = anna.unwrap();
    let subject = anna.0.to_string();
    let login = OpenIdLogin { issuer: "https://login.example/", subject: &subject };
    assert!(store.link_openid(anna, login, at(1)).await.unwrap());
    let session = format!("session-{round}");
    let begun = store.log_in_by_openid(login, &session, "A browser", at(1)).await.unwrap();
    assert!(matches!(begun, OpenIdSession::Begun(_)));
    assert!(store.use_session(&session, at(2)).await.unwrap().is_some());
    let (token, name) = (format!("hash-{round}"), format!("phone {round}").parse().unwrap());
    let new = NewToken {
        name: &name,
        scope: backissue_model::Scope::Read,
        hash: &token,
        fever_key: &token,
        ends_at: None,
    };
    store.add_token(anna, new, at(1)).await.unwrap();
    assert!(store.use_token(&token, at(2)).await.unwrap().is_some());
    let search = OwnSearch {
        name: format!("storms {round}").parse().unwrap(),
        question: "retry storms".parse().unwrap(),
        recipient: None,
    };
    assert!(matches!(store.save_search(ONE, &search, at(1)).await.unwrap(), SearchSaved::Saved(_)));
    assert!(!store.saved_searches(ONE).await.unwrap().is_empty());
    let url = format!("https://hooks.example/{round}");
    let new = NewWebhook { url: &url, key: "whsec_x", events: &[Event::ReadAnnotated] };
    let added = store.add_webhook(ONE, new, at(1)).await.unwrap();
    assert!(matches!(added, WebhookAdded::Added(_)), "{added:?}");
    assert!(!store.webhooks().await.unwrap().is_empty());
    let (team, week) = (format!("team {round}"), Dispatch::Week("2026-W20".parse().unwrap()));
    let sending = store.claim_sending(&team, week, Resend::No, LEASE, at(10)).await.unwrap();
    let SendingClaim::Claimed(sending) = sending else { panic!("{sending:?} is no claim") };
    assert!(store.finish_sending(&sending, &SendingResult::Sent, at(11)).await.unwrap());
    store.add_reader(&format!("ben{round}").parse().unwrap(), Role::Reader).await.unwrap().unwrap();
    assert!(!store.readers(at(1)).await.unwrap().is_empty());
}

async fn use_all(db: &TestDatabase, round: u32) {
    let (source, reads) = work(db, round).await;
    practise_and_note(db, reads[0], reads[1]).await;
    look(db, &source, reads[0]).await;
    others(db, round).await;
    assert!(matches!(db.store.unite(reads[0], reads[1]).await.unwrap(), Some(United::Into(_))));
    db.store.unfollow(source.id, Unfollow::KeepReads, at(2000)).await.unwrap();
}

on_both!(older_program_works_on_after_columns_were_added, |db| {
    // Several times, so that each connection has prepared its statements.
    for round in 0..3 {
        use_all(db, round).await;
    }
    let newer = db.open_again().await;
    let mut tx = newer.database.begin().await.unwrap();
    for table in TABLES.iter() {
        let add = format!("ALTER TABLE {table} ADD COLUMN of_a_newer_program INTEGER NOT NULL DEFAULT 7");
        tx.run(sql_of(add)).await.unwrap();
    }
    tx.commit().await.unwrap();
    newer.close().await;
    for round in 3..6 {
        use_all(db, round).await;
    }
});

/// A prepared `SELECT *` fails on PostgreSQL as soon as the table has another column, and the
/// program that runs it may be older than the column. The columns of a view are settled when it is
/// made, and those of a subquery are named in it.
#[test]
fn statements_name_the_columns_of_tables() {
    let (mut folders, mut files) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], 0);
    while let Some(folder) = folders.pop() {
        for entry in read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Statements of tests are run once.
                if !path.ends_with("src/tests") {
                    folders.push(path);
                }
                continue;
            }
            files += 1;
            let text = read_to_string(&path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            for (at, _) in text.match_indices('*') {
                let (before, after) = (&text[..at], &text[at + 1..]);
                let is_all = before.ends_with("SELECT ")
                    || before.ends_with("RETURNING ")
                    || before.strip_suffix('.').is_some_and(|alias| alias.ends_with(char::is_alphanumeric));
                let is_settled = after.starts_with(" FROM (")
                    || before.strip_suffix(" AS SELECT ").is_some_and(|view| {
                        view.rsplit_once("CREATE TEMP VIEW ").is_some_and(|(_, name)| !name.contains(' '))
                    });
                let line = before.chars().rev().take(60).collect::<Vec<_>>();
                let line: String = line.into_iter().rev().collect();
                assert!(!is_all || is_settled, "{}: …{line}*", path.display());
            }
        }
    }
    assert!(files > 50, "{files}");
}
