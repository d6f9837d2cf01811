//! A read has one row, however often it is named.

use backissue_model::{Article, Kind, ReadId, Stage};

use super::harness::*;
use crate::*;

on_both!(read_has_one_row_for_all_spellings_and_sources, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let spellings = [
        "https://acme.example/post",
        "http://www.acme.example/post/",
        "https://acme.example/post?utm_source=rss&utm_medium=feed",
        "https://acme.example/post/index.html#top",
    ];
    let all = || spellings.iter().map(|url| entry(url, Some("2026-05-12"))).collect::<Vec<_>>();
    assert_eq!(db.poll(&acme, all()).await, Admitted { new: 1, known: 3, left: 0 });
    assert_eq!(db.poll(&acme, all()).await, Admitted { new: 0, known: 4, left: 0 });
    assert_eq!(db.poll(&bolt, all()).await, Admitted { new: 0, known: 4, left: 0 });
    assert_eq!(db.finish_all().await.len(), 1);
    let read = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 9).await.remove(0);
    let page = db.store.read(read.id).await.unwrap().unwrap();
    let places: Vec<&str> = page.places.iter().map(|place| place.source_slug.as_str()).collect();
    assert_eq!(places, ["acme-engineering", "bolt-engineering"]);
    for source in [acme.id, bolt.id] {
        assert_eq!(db.store.source(source).await.unwrap().unwrap().reads, 1);
        let filter = ReadFilter { source: Some(source), ..ReadFilter::default() };
        assert_eq!(whole_list(&db.store, &filter, Order::Newest, 9).await.len(), 1);
    }
});

on_both!(shown_read_of_another_source_is_on_both_lists, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&acme, vec![entry("https://acme.example/post", None)]).await;
    db.finish_all().await;
    let before = db.store.archive_version().await.unwrap();
    db.poll(&bolt, vec![entry("https://acme.example/post", None)]).await;
    assert!(db.store.archive_version().await.unwrap() > before);
    assert_eq!(db.store.source(bolt.id).await.unwrap().unwrap().reads, 1);
    let facets =
        db.store.facets(&ReadFilter { source: Some(bolt.id), ..ReadFilter::default() }).await.unwrap();
    assert_eq!(facets.sources, [(acme.slug.clone(), acme.title.clone(), 1)]);
});

on_both!(feed_of_a_thousand_entries_is_admitted, |db| {
    let source = db.follow("Acme").await;
    let entries = || (0..1000).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect::<Vec<_>>();
    assert_eq!(db.poll(&source, entries()).await, Admitted { new: 1000, known: 0, left: 0 });
    assert_eq!(db.poll(&source, entries()).await, Admitted { new: 0, known: 1000, left: 0 });
    assert_eq!(db.store.tally(at(9)).await.unwrap().discovered, 1000);
});

on_both!(pages_of_two_hundred_hosts_wait_for_one_source_at_most, |db| {
    let source = db.follow("Acme").await;
    let entries =
        || (0..500).map(|n| entry(&format!("https://h{n}.evil.example/x"), None)).collect::<Vec<_>>();
    assert_eq!(db.poll(&source, entries()).await, Admitted { new: 200, known: 0, left: 300 });
    let health = db.store.source(source.id).await.unwrap().unwrap().health;
    assert_eq!((health.etag, health.last_modified), (None, None), "the whole feed is to come again");
    assert_eq!(db.poll(&source, entries()).await, Admitted { new: 0, known: 200, left: 300 });
    db.finish_all().await;
    assert_eq!(db.poll(&source, entries()).await, Admitted { new: 200, known: 200, left: 100 });
    // More pages of a host that waits are welcome.
    let more = vec![entry("https://h250.evil.example/y", None)];
    assert_eq!(db.poll(&source, more).await, Admitted { new: 1, known: 0, left: 0 });
});

on_both!(hostile_texts_are_stored, |db| {
    let source = db.follow("Acme").await;
    let mut admission = entry(&format!("https://acme.example/{}", "long/".repeat(3000)), None);
    admission.entry.title = Some("NUL \0 and ' \" $1 \u{1F980}".into());
    admission.entry.author = Some("\0".into());
    admission.entry.content = Some(format!("<p>\0{}</p>", "x".repeat(2_000_000)));
    let twin = entry(&format!("https://acme.example/{}2", "long/".repeat(3000)), None);
    assert_eq!(db.poll(&source, vec![admission.clone(), twin.clone()]).await.new, 2);
    assert_eq!(db.poll(&source, vec![admission, twin]).await.known, 2);
    while let Some(read) = db.claim(Stage::Discovered).await {
        let article = Article {
            title: Some("A\0 title".into()),
            html: format!("<p>\0{}</p>", read.id),
            ..article(&format!("some \0text {}", read.id))
        };
        assert_eq!(
            db.store.finish_extract(&read, &article, &read.url, at(5)).await.unwrap(),
            Extracted::Stored
        );
    }
    while let Some(read) = db.claim(Stage::Extracted).await {
        assert_eq!(read.article.as_ref().unwrap().text, format!("some text {}", read.id));
        let precis = precis(&read, Kind::Incident, true, &["caching", "caching"]);
        db.store.finish_annotate(&read, &precis, at(6)).await.unwrap();
        let page = db.store.read(read.id).await.unwrap().unwrap();
        assert_eq!((page.card.title.as_str(), page.card.concepts.len()), ("A title", 1));
        assert!(page.precis.is_backed_by(&page.article.text));
    }
});

on_both!(read_belongs_to_its_own_site_though_another_named_it_first, |db| {
    let (evil, acme) = (db.follow("Evil").await, db.follow("Acme").await);
    let url = "https://acme.example/post";
    db.poll(&evil, vec![entry(url, Some("2019-01-01")), entry("https://else.example/x", None)]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    assert!(!read.is_own);
    let other = db.claim(Stage::Discovered).await.unwrap();
    let (read, other) = if read.url.as_str() == url { (read, other) } else { (other, read) };
    let dated = Article { published: Some("2026-05-11T00:00:00Z".parse().unwrap()), ..article("Some text.") };
    db.store.finish_extract(&read, &dated, &read.url, at(5)).await.unwrap();
    db.store.fail(&other, "gone", at(5), Retry::SetAside).await.unwrap();
    db.finish_all().await;
    let card = || async { whole_list(&db.store, &ReadFilter::default(), Order::Newest, 9).await.remove(0) };
    let before = card().await;
    assert_eq!(
        (before.source, before.week.to_string()),
        (evil.id, "2026-W20".to_owned()),
        "the page's own day counts"
    );
    db.poll(&acme, vec![entry(url, Some("2026-05-11"))]).await;
    let after = card().await;
    assert_eq!((after.source, after.company), (acme.id, acme.company.clone()));
    let page = db.store.read(after.id).await.unwrap().unwrap();
    assert_eq!(page.places.len(), 2, "who named it first stays a place");
    let filter = ReadFilter { source: Some(acme.id), ..ReadFilter::default() };
    assert_eq!(whole_list(&db.store, &filter, Order::Newest, 9).await.len(), 1);
    db.poll(&evil, vec![entry(url, Some("2019-01-01"))]).await;
    assert_eq!(card().await.source, acme.id);
    db.assert_sound().await;
    // What "we" are has changed, so the précis is made again.
    assert_eq!(db.store.asked().await.unwrap(), [(OWNER_CHANGED.to_owned(), 1)]);
    let again = db.store.claim_again(OWNER_CHANGED, at(2000), LEASE).await.unwrap().unwrap();
    assert_eq!((again.company.as_str(), again.is_own), (acme.company.as_str(), true));
    let precis = precis(&again, Kind::Incident, true, &["caching"]);
    assert_eq!(db.store.finish_again(&again, &precis, &[], at(2001)).await.unwrap(), Finished::Done);
    assert_eq!(db.store.asked().await.unwrap(), []);
});

on_both!(what_a_foreign_feed_said_of_a_read_is_forgotten, |db| {
    let (evil, acme) = (db.follow("Evil").await, db.follow("Acme").await);
    let url = "https://acme.example/post";
    let told = |title: &str, author: &str, day: &str| {
        let mut told = entry(url, Some(day));
        (told.entry.title, told.entry.author) = (Some(title.to_owned()), Some(author.to_owned()));
        told
    };
    db.poll(&evil, vec![told("Buy now", "Mallory", "2019-01-01")]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    // The page tells nothing of itself.
    let bare = Article { title: None, author: None, published: None, ..article("Some text.") };
    db.store.finish_extract(&read, &bare, &read.url, at(5)).await.unwrap();
    db.finish_all().await;
    let card = || async { whole_list(&db.store, &ReadFilter::default(), Order::Newest, 9).await.remove(0) };
    assert_eq!(card().await.title, "Buy now");
    db.poll(&acme, vec![told("How our queue grew", "Ann", "2026-05-11")]).await;
    let card = card().await;
    assert_eq!((card.title.as_str(), card.week.to_string().as_str()), ("How our queue grew", "2026-W20"));
    assert_eq!(card.author.as_deref(), Some("Ann"));
});

on_both!(source_that_reached_its_limit_is_asked_for_no_more, |db| {
    let (large, small) = (db.follow("Acme").await, db.follow("Bolt").await);
    let mut heavy = entry("https://acme.example/heavy", None);
    heavy.entry.content = Some("x".repeat(5_000));
    db.poll(&large, vec![heavy]).await;
    db.poll(&small, vec![entry("https://bolt.example/light", None)]).await;
    let store = db.store.clone().with_source_limit(5_000);
    let over = store.over_limit().await.unwrap();
    assert_eq!(over.iter().map(|over| &over.slug).collect::<Vec<_>>(), [&large.slug]);
    assert!((5_000..6_000).contains(&over[0].bytes), "{over:?}");
    let all = Scope::AllNow { since: at(5_000) };
    assert_eq!(store.claim_source(at(5_000), LEASE, &[], all).await.unwrap().unwrap().source.id, small.id);
    assert_eq!(store.claim_source(at(5_000), LEASE, &[], all).await.unwrap(), None);
    let read = store.claim_read(Stage::Discovered, at(5_000), LEASE, &[]).await.unwrap().unwrap();
    assert_eq!(read.source, small.id);
    assert_eq!(store.claim_read(Stage::Discovered, at(5_000), LEASE, &[]).await.unwrap(), None);
    // Articles count as well.
    let long = article(&"word ".repeat(2_000));
    store.finish_extract(&read, &long, &read.url, at(5_001)).await.unwrap();
    assert_eq!(store.over_limit().await.unwrap().len(), 2);
    assert!(db.store.claim_read(Stage::Discovered, at(5_000), LEASE, &[]).await.unwrap().is_some());
    assert!(db.store.bytes().await.unwrap() > 10_000);
});

on_both!(texts_of_any_length_make_short_lists, |db| {
    let long = "word ".repeat(2_000_000);
    let source = db.follow("Acme").await;
    let mut admission = entry("https://acme.example/long", None);
    admission.entry.title = Some(long.clone());
    admission.entry.author = Some(long.clone());
    admission.entry.tags = vec![long.clone(); 3];
    let PollOutcome::Fetched { articles, .. } = fetched(vec![admission]) else { unreachable!() };
    let mut outcome = fetched(articles);
    if let PollOutcome::Fetched { feed_title, language, etag, .. } = &mut outcome {
        (*feed_title, *language, *etag) = (Some(long.clone()), Some(long.clone()), Some(long.clone()));
    }
    let claimed = claim_only(&db.store, &source, at(0)).await;
    db.store.record_poll(&claimed, outcome, at(0), |_| NextPoll::default()).await.unwrap();
    let read = db.claim(Stage::Discovered).await.unwrap();
    assert!(serde_json::to_string(&read.entry).unwrap().len() < 4000);
    assert_eq!(read.feed_language, None);
    let told = Article {
        title: Some(long.clone()),
        author: Some(long.clone()),
        site_name: Some(long.clone()),
        description: Some(long.clone()),
        language: Some(long.clone()),
        ..article("Some text.")
    };
    db.store.finish_extract(&read, &told, &read.url, at(5)).await.unwrap();
    db.finish_all().await;
    let card = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 9).await.remove(0);
    assert!(card.title.ends_with("word…") && card.title.chars().count() <= 300, "{}", card.title.len());
    assert!(card.author.unwrap().chars().count() <= 200);
    let page = db.store.read(card.id).await.unwrap().unwrap();
    let article = page.article;
    let lengths = [article.title, article.author, article.site_name, article.description, article.language]
        .map(|text| text.unwrap_or_default().len());
    assert!(lengths.iter().sum::<usize>() < 4000, "{lengths:?}");
});

on_both!(read_dated_in_the_future_is_filed_when_first_seen, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/later", Some("9999-12-30"))]).await;
    db.poll(&source, vec![entry("https://acme.example/old", Some("1999-12-30"))]).await;
    db.finish_all().await;
    let cards = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 1).await;
    let weeks: Vec<String> = cards.iter().map(|card| card.week.to_string()).collect();
    assert_eq!(weeks, ["2026-W20", "1999-W52"]);
    assert_eq!(cards[0].published.unwrap().to_string(), "9999-12-30T09:30:00Z");
});

/// The admission with another title.
fn titled(mut admission: Admission, title: Option<&str>) -> Admission {
    admission.entry.title = title.map(str::to_owned);
    admission
}

/// Two reads with the same title that were admitted separately.
async fn two_reads(db: &TestDatabase) -> (ClaimedRead, ClaimedRead) {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let called = |admission| titled(admission, Some("One title"));
    db.poll(&acme, vec![called(entry("https://acme.example/a", Some("2026-05-11")))]).await;
    db.poll(&bolt, vec![called(entry("https://bolt.example/b", Some("2026-05-12")))]).await;
    let younger = db.claim(Stage::Discovered).await.unwrap();
    let older = db.claim(Stage::Discovered).await.unwrap();
    assert!(older.id < younger.id);
    (older, younger)
}

async fn annotate_all(db: &TestDatabase) -> Vec<ReadId> {
    db.finish_all().await
}

on_both!(same_text_on_two_sources_is_one_read, |db| {
    let (older, younger) = two_reads(db).await;
    let text = article("The same text in both");
    assert_eq!(db.store.finish_extract(&older, &text, &older.url, at(5)).await.unwrap(), Extracted::Stored);
    let merged = db.store.finish_extract(&younger, &text, &younger.url, at(6)).await.unwrap();
    assert_eq!(merged, Extracted::MergedInto(older.id));
    assert_eq!(annotate_all(db).await, [older.id]);
    let page = db.store.read(younger.id).await.unwrap().expect("the old number still leads to it");
    assert_eq!((page.card.id, page.places.len()), (older.id, 2));
    assert_eq!(db.store.source(younger.source).await.unwrap().unwrap().reads, 1);
    // Its other address is known from now on.
    let acme = db.store.source(older.source).await.unwrap().unwrap();
    assert_eq!(db.poll(&acme, vec![entry("https://bolt.example/b", None)]).await.known, 1);
});

on_both!(older_read_replaces_a_shown_younger_one, |db| {
    let (older, younger) = two_reads(db).await;
    let text = article("The same text in both");
    assert_eq!(
        db.store.finish_extract(&younger, &text, &younger.url, at(5)).await.unwrap(),
        Extracted::Stored
    );
    let held = db.claim(Stage::Extracted).await.unwrap();
    let finished = precis(&held, Kind::CaseStudy, true, &["caching", "queues"]);
    db.store.finish_annotate(&held, &finished, at(6)).await.unwrap();
    assert_eq!(db.store.finish_extract(&older, &text, &older.url, at(7)).await.unwrap(), Extracted::Stored);
    db.assert_sound().await;
    assert_eq!(db.store.concepts().await.unwrap(), [], "the counters have let the younger one go");
    assert_eq!(annotate_all(db).await, [older.id]);
    assert_eq!(db.store.read(younger.id).await.unwrap().unwrap().card.id, older.id);
});

on_both!(redirect_to_a_known_address_merges_reads, |db| {
    let (older, younger) = two_reads(db).await;
    let text = article("What stands there");
    let merged = db.store.finish_extract(&younger, &text, &older.url, at(5)).await.unwrap();
    assert_eq!(
        merged,
        Extracted::MergedInto(older.id),
        "nothing is lost, though the older page was never fetched"
    );
    let late = db.store.finish_extract(&older, &text, &older.url, at(6)).await.unwrap();
    assert_eq!(late, Extracted::LeaseLost, "whoever still fetches it has lost it");
    assert_eq!(annotate_all(db).await, [older.id]);
});

on_both!(pages_that_claim_one_address_stay_separate, |db| {
    let (older, younger) = two_reads(db).await;
    let claiming =
        |text: &str| Article { canonical_url: "https://acme.example/blog".parse().ok(), ..article(text) };
    for (read, text) in [(&older, "First text"), (&younger, "Second text")] {
        let stored = db.store.finish_extract(read, &claiming(text), &read.url, at(5)).await.unwrap();
        assert_eq!(stored, Extracted::Stored);
    }
    assert_eq!(annotate_all(db).await.len(), 2);
});

on_both!(short_posts_merge_only_with_the_same_text, |db| {
    let (older, younger) = two_reads(db).await;
    let third = db.follow("Cord").await;
    db.poll(&third, vec![titled(entry("https://cord.example/c", None), Some("One title"))]).await;
    let third = db.claim(Stage::Discovered).await.unwrap();
    let short = |text: &str| Article {
        fingerprint: None,
        canonical_url: "https://acme.example/a".parse().ok(),
        ..article(text)
    };
    let extract = async |read: &ClaimedRead, text: &str| {
        db.store.finish_extract(read, &short(text), &read.url, at(5)).await.unwrap()
    };
    assert_eq!(extract(&older, "Yes we can").await, Extracted::Stored);
    assert_eq!(extract(&younger, "No we cannot").await, Extracted::Stored);
    assert_eq!(extract(&third, "Yes we can").await, Extracted::MergedInto(older.id));
});

on_both!(three_copies_become_one_read, |db| {
    let (older, younger) = two_reads(db).await;
    let third = db.follow("Cord").await;
    db.poll(&third, vec![titled(entry("https://cord.example/c", None), Some("One title"))]).await;
    let third = db.claim(Stage::Discovered).await.unwrap();
    let text = article("Everywhere the same");
    let print = text.fingerprint;
    db.store.finish_extract(&younger, &text, &younger.url, at(5)).await.unwrap();
    db.store.finish_extract(&older, &article("Another text"), &older.url, at(6)).await.unwrap();
    annotate_all(db).await;
    // Its page is at the oldest one's address and has the text of the other one.
    let merged = db.store.finish_extract(&third, &text, &older.url, at(7)).await.unwrap();
    assert_eq!(merged, Extracted::MergedInto(older.id));
    let page = db.store.read(third.id).await.unwrap().unwrap();
    assert_eq!((page.card.id, page.places.len()), (older.id, 3));
    assert_ne!(page.article.fingerprint, print);
    assert_eq!(db.store.read(younger.id).await.unwrap().unwrap().card.id, older.id);
});

on_both!(date_comes_from_the_feed_then_the_page, |db| {
    let source = db.follow("Acme").await;
    let mut updated_only = entry("https://acme.example/updated", None);
    updated_only.entry.updated = Some(at(-86_400));
    let entries = vec![
        entry("https://acme.example/feed", Some("2026-05-11")),
        entry("https://acme.example/page", None),
        entry("https://acme.example/nobody", None),
        updated_only,
    ];
    db.poll(&source, entries).await;
    while let Some(read) = db.claim(Stage::Discovered).await {
        let has_date = !read.url.as_str().ends_with("nobody") && !read.url.as_str().ends_with("updated");
        let article = Article {
            published: has_date.then(|| "2025-01-01T00:00:00Z".parse().unwrap()),
            title: has_date.then(|| "The page's title".to_owned()),
            ..article(read.url.as_str())
        };
        db.store.finish_extract(&read, &article, &read.url, at(5)).await.unwrap();
    }
    db.finish_all().await;
    let mut found: Vec<(String, Option<String>, String)> =
        whole_list(&db.store, &ReadFilter::default(), Order::Newest, 9)
            .await
            .into_iter()
            .map(|c| (c.url.path().to_owned(), c.published.map(|p| p.to_string()), c.title))
            .collect();
    found.sort();
    let row = |path: &str, at: Option<&str>, title: &str| {
        (path.to_owned(), at.map(str::to_owned), title.to_owned())
    };
    assert_eq!(
        found,
        [
            row("/feed", Some("2026-05-11T09:30:00Z"), "The page's title"),
            row("/nobody", None, "About /nobody"),
            row("/page", Some("2025-01-01T00:00:00Z"), "The page's title"),
            row("/updated", Some("2026-05-12T12:00:00Z"), "About /updated"),
        ]
    );
});

/// The page at which all fetches end.
async fn extract_all(
    db: &TestDatabase,
    page: impl Fn(&ClaimedRead) -> (Article, &'static str),
) -> Vec<Extracted> {
    let mut came = Vec::new();
    while let Some(read) = db.claim(Stage::Discovered).await {
        let (article, end) = page(&read);
        let end = if end.is_empty() { read.url.clone() } else { canonical(end) };
        came.push(db.store.finish_extract(&read, &article, &end, at(1000)).await.unwrap());
    }
    came
}

fn posts(range: std::ops::Range<u32>) -> Vec<Admission> {
    range.map(|n| entry(&format!("https://acme.example/posts/{n}"), None)).collect()
}

on_both!(deleted_posts_that_redirect_stay_separate, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, posts(0..10)).await;
    let front = || Article { title: Some("The blog".into()), ..article("What the front page says") };
    let came = extract_all(db, |_| (front(), "https://acme.example/blog")).await;
    assert_eq!(came, [Extracted::Stored; 10]);
    assert_eq!(db.finish_all().await.len(), 10);
    // The front page differs each time, so that only the address is the same.
    db.poll(&source, posts(10..20)).await;
    let came = extract_all(db, |read| (article(read.url.as_str()), "https://acme.example/blog")).await;
    assert_eq!(came, [Extracted::Stored; 10]);
    let blog = vec![titled(entry("https://acme.example/blog/", None), Some("We have a blog"))];
    assert_eq!(
        db.poll(&source, blog).await,
        Admitted { new: 1, known: 0, left: 0 },
        "nobody was admitted as it"
    );
});

on_both!(consent_wall_does_not_merge_reads, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, posts(0..10)).await;
    let wall = || Article { title: Some("Before you continue".into()), ..article("We value your privacy") };
    assert_eq!(extract_all(db, |_| (wall(), "")).await, [Extracted::Stored; 10]);
    // A short page has no fingerprint; the address is the same for all.
    db.poll(&source, posts(10..20)).await;
    let short = || Article { fingerprint: None, ..wall() };
    let came = extract_all(db, |_| (short(), "https://acme.example/login")).await;
    assert_eq!(came, [Extracted::Stored; 10]);
    assert_eq!(db.finish_all().await.len(), 20);
});

on_both!(wrongly_claimed_address_is_still_admitted, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, posts(0..1)).await;
    let claiming = |read: &ClaimedRead| Article {
        canonical_url: "https://acme.example/posts/1".parse().ok(),
        ..article(&format!("Text of {}", read.url))
    };
    assert_eq!(extract_all(db, |read| (claiming(read), "")).await, [Extracted::Stored]);
    db.finish_all().await;
    assert_eq!(db.poll(&source, posts(0..2)).await, Admitted { new: 1, known: 1, left: 0 });
    assert_eq!(extract_all(db, |read| (claiming(read), "")).await, [Extracted::Stored]);
    assert_eq!(db.finish_all().await.len(), 1);
    assert_eq!(db.poll(&source, posts(0..2)).await, Admitted { new: 0, known: 2, left: 0 });
    assert_eq!(whole_list(&db.store, &ReadFilter::default(), Order::Newest, 9).await.len(), 2);
});

on_both!(reached_address_is_admitted_and_merged_by_text, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let proxied = titled(entry("https://feeds.example/~r/acme/1", None), Some("Bolt: A Post"));
    db.poll(&bolt, vec![proxied.clone()]).await;
    for (end, own) in [
        ("https://acme.example/posts/1", article("The post")),
        ("https://acme.example/posts/2", Article { fingerprint: None, ..article("Too short") }),
    ] {
        let page = || Article { title: Some("A post".into()), ..own.clone() };
        let mut via = proxied.clone();
        via.url = canonical(&end.replace("acme.example/posts", "feeds.example/~r/acme"));
        db.poll(&bolt, vec![via.clone()]).await;
        assert_eq!(extract_all(db, |_| (page(), end)).await, [Extracted::Stored]);
        let direct = titled(entry(&format!("{end}/"), None), Some("A post"));
        assert_eq!(
            db.poll(&acme, vec![direct.clone()]).await,
            Admitted { new: 1, known: 0, left: 0 },
            "nobody was admitted as it"
        );
        let came = extract_all(db, |_| (page(), "")).await;
        assert!(matches!(came[..], [Extracted::MergedInto(_)]), "{came:?}");
        assert_eq!(db.poll(&acme, vec![direct]).await, Admitted { new: 0, known: 1, left: 0 });
        assert_eq!(db.poll(&bolt, vec![via]).await, Admitted { new: 0, known: 1, left: 0 });
    }
    assert_eq!(db.finish_all().await.len(), 2);
});

on_both!(address_of_a_feed_proxy_merges_after_its_redirect, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&acme, posts(1..2)).await;
    extract_all(db, |_| (article("The post"), "")).await;
    let proxied = titled(entry("https://feeds.example/~r/acme/1", None), Some("Another title"));
    db.poll(&bolt, vec![proxied]).await;
    let came =
        extract_all(db, |_| (article("The post, edited"), "http://www.acme.example/posts/1/?utm_source=x"))
            .await;
    assert!(matches!(came[..], [Extracted::MergedInto(_)]), "{came:?}");
    assert_eq!(db.finish_all().await.len(), 1);
});
