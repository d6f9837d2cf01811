//! Turns of hosts and robots.txt files that several processes share.

use std::time::Duration;

use backissue_needs::needs;

use super::harness::*;
use crate::*;

const PAUSE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(600);

on_both!(host_has_one_turn_then_its_pause_and_what_it_demands, |db| {
    let (one, two) = (&db.store, db.open_again().await);
    let take =
        async |store: &Store, host: &str, turn: i64| store.take_turn(host, turn, PAUSE, LONG).await.unwrap();
    assert_eq!(take(one, "a.example", 1).await, HostTurn::Taken);
    assert!(matches!(take(&two, "a.example", 2).await, HostTurn::InUse(left) if left > PAUSE));
    assert_eq!(take(&two, "b.example", 2).await, HostTurn::Taken, "another host does not wait");
    let busy = two.busy_hosts().await.unwrap();
    assert!(busy.iter().all(|host| host.free_in.is_none()) && busy.len() == 2, "{busy:?}");

    two.end_turn("a.example", 2, PAUSE, Duration::ZERO).await.unwrap();
    assert!(matches!(take(&two, "a.example", 2).await, HostTurn::InUse(_)), "it is the other's turn");
    one.end_turn("a.example", 1, Duration::ZERO, Duration::ZERO).await.unwrap();
    let rest = take(&two, "a.example", 2).await;
    assert!(matches!(rest, HostTurn::Pause(left) if left <= PAUSE && left > PAUSE / 2), "{rest:?}");
    assert_eq!(two.take_turn("a.example", 2, Duration::ZERO, LONG).await.unwrap(), HostTurn::Taken);

    two.end_turn("a.example", 2, Duration::ZERO, LONG).await.unwrap();
    let held = one.take_turn("a.example", 3, Duration::ZERO, LONG).await.unwrap();
    assert!(matches!(held, HostTurn::Held(left) if left > LONG / 2), "{held:?}");
    // The longest pause that any of them knows applies to all.
    two.end_turn("b.example", 2, LONG, Duration::ZERO).await.unwrap();
    assert!(matches!(take(one, "b.example", 4).await, HostTurn::Pause(left) if left > PAUSE));
    let busy = one.busy_hosts().await.unwrap();
    assert!(busy.iter().all(|host| host.free_in.is_some_and(|left| left > PAUSE)), "{busy:?}");
    two.close().await;
});

on_both!(turn_of_a_dead_process_ends_with_its_lease, |db| {
    let gone = db.store.take_turn("a.example", 1, Duration::ZERO, Duration::ZERO).await.unwrap();
    assert_eq!(gone, HostTurn::Taken);
    assert_eq!(db.store.take_turn("a.example", 2, Duration::ZERO, LONG).await.unwrap(), HostTurn::Taken);
    db.store.end_turn("a.example", 1, LONG, LONG).await.unwrap();
    let busy = db.store.busy_hosts().await.unwrap();
    assert_eq!(busy, [BusyHost { host: "a.example".into(), free_in: None }], "the dead one changes nothing");
    db.run(&["UPDATE host_turn SET leased_until = 1"]).await;
    db.store.forget_turns().await.unwrap();
    assert_eq!(db.store.take_turn("a.example", 3, LONG, LONG).await.unwrap(), HostTurn::Taken);
});

on_both!(robots_txt_is_fetched_by_one_and_known_to_all, |db| {
    let (one, two) = (&db.store, db.open_again().await);
    let site = "https://a.example";
    assert_eq!(one.robots(site, LONG).await.unwrap(), RobotsTurn::Fetch(None));
    assert_eq!(two.robots(site, LONG).await.unwrap(), RobotsTurn::Wait);
    assert_eq!(one.take_turn("a.example", 1, Duration::ZERO, LONG).await.unwrap(), HostTurn::Taken);
    one.end_turn("a.example", 1, Duration::ZERO, Duration::ZERO).await.unwrap();
    let file = SharedRobots {
        rules: Some("User-agent: *\nCrawl-delay: 600\n".into()),
        etag: Some("\"1\"".into()),
        lasts: LONG,
        ..SharedRobots::default()
    };
    one.keep_robots(site, "a.example", &file, LONG).await.unwrap();
    let RobotsTurn::Known(known) = two.robots(site, LONG).await.unwrap() else { panic!("it is known") };
    assert_eq!(SharedRobots { lasts: LONG, ..known.clone() }, file);
    assert!(known.lasts <= LONG && known.lasts > PAUSE);
    let next = two.take_turn("a.example", 2, Duration::ZERO, LONG).await.unwrap();
    assert!(matches!(next, HostTurn::Pause(left) if left > PAUSE), "its Crawl-delay holds at once: {next:?}");

    db.run(&["UPDATE robots SET valid_until = 1"]).await;
    let RobotsTurn::Fetch(Some(old)) = two.robots(site, Duration::ZERO).await.unwrap() else {
        panic!("an outdated file is fetched again")
    };
    assert_eq!((old.etag, old.lasts), (file.etag, Duration::ZERO));
    assert!(
        matches!(one.robots(site, LONG).await.unwrap(), RobotsTurn::Fetch(_)),
        "who died does not fetch it"
    );
    two.close().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_hear_of_new_work() {
    needs!(Postgres);
    let db = TestDatabase::postgres().await;
    let other = db.open_again().await;
    let mut wakeups = other.wakeups().await.unwrap().unwrap();
    let mut hears = async |what: &str| {
        let heard = tokio::time::timeout(Duration::from_secs(20), wakeups.next()).await;
        heard.unwrap_or_else(|_| panic!("nothing was heard of {what}")).unwrap();
    };
    let acme = db.follow("Acme").await;
    hears("a new source").await;
    db.store.poll_at(acme.id, at(1)).await.unwrap();
    hears("a source that is due").await;
    db.poll(&acme, vec![entry("https://acme.example/1", None)]).await;
    hears("a new read").await;
    drop(wakeups);
    other.close().await;
    db.remove().await;
    let alone = TestDatabase::sqlite().await;
    assert!(alone.store.wakeups().await.unwrap().is_none());
    alone.remove().await;
}
